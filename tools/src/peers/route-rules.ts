/** Rules that one destination has, so that there are a fifth as many clusters as rules. */
const RULES_PER_CLUSTER = 5;

const PATHS = ['Get', 'List', 'Create', 'Update', 'Delete', 'Reserve', 'Release', 'Quote'].map(
  (method) => `/steelyard.bench.Inventory/${method}`,
);

/**
 * Documents that give the Service `bench` so many rules ahead of the one that takes the calls of the benchmark: exact paths,
 * prefixes and regular expressions of other services, and paths that are called with headers that no call has. None of
 * them holds, so what is paid for is the looking.
 */
export function routeRules(count: number): readonly string[] {
  const clusters = Math.ceil(count / RULES_PER_CLUSTER);
  const rules = Array.from({ length: count }, (_, index) => {
    return `    - match: [${matchOf(index)}]
      route: [{ destination: { host: other-${(index % clusters) + 1} } }]
`;
  });
  const virtualService = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: bench, namespace: default }
spec:
  hosts: [bench]
  http:
${rules.join('')}    - route: [{ destination: { host: bench } }]
`;
  return [virtualService, ...Array.from({ length: clusters }, (_, index) => otherService(index + 1)).flat()];
}

function matchOf(index: number): string {
  switch (index % 4) {
    case 0:
      return `{ uri: { exact: /other.v1.Service${index}/Get } }`;
    case 1:
      return `{ uri: { prefix: /other.v1.Service${index}/ } }`;
    case 2:
      return `{ uri: { regex: '/other[.]v[0-9][.]Service${index}/.*' } }`;
    default:
      return `{ uri: { exact: ${PATHS[(index >> 2) % PATHS.length]} }, headers: { x-tenant: { exact: tenant-${index} } } }`;
  }
}

/** A Service of another name and a pod of it that nobody calls. */
function otherService(number: number): readonly string[] {
  const name = `other-${number}`;
  return [
    `apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: default }
spec:
  clusterIP: 10.98.${number >> 8}.${number & 255}
  ports:
    - { name: grpc, port: 8000 }
`,
    `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: ${name}-1
  namespace: default
  labels: { kubernetes.io/service-name: ${name} }
addressType: IPv4
ports:
  - { name: grpc, port: 9 }
endpoints:
  - addresses: [127.0.0.1]
`,
  ];
}
