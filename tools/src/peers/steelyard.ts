import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { routeRules } from './route-rules.ts';
import { certFile, keyFile, type Subject } from './subject-setup.ts';

/** The command as it is in this workspace. */
export const launcher: string = resolve(import.meta.dirname, '../../..', 'packages/steelyard/bin/steelyard.js');

/** As its own guide starts it; what is on by default (limits, metrics, deadlines) is on. */
export const steelyard: Subject = {
  version: { command: process.execPath, args: [launcher, '--version'] },
  command({ port, backendPorts, folder, tls, nodeArgs = [], rules = 0 }) {
    const objects = join(folder, 'bench.yaml');
    writeFileSync(objects, manifests(backendPorts, rules));
    return {
      command: process.execPath,
      args: [
        ...nodeArgs,
        launcher,
        'proxy',
        '-f',
        objects,
        '--listen',
        `127.0.0.1:${port}`,
        '--service',
        'bench.default:8000',
        '--workers',
        '1',
        ...(tls === undefined ? [] : ['--tls-cert', certFile(folder), '--tls-key', keyFile(folder)]),
      ],
    };
  },
};

/** Pods of one Service on ports of their own: a slice has one port for all its endpoints, so each pod has a slice. */
function manifests(backendPorts: readonly number[], rules: number): string {
  const service = `apiVersion: v1
kind: Service
metadata: { name: bench, namespace: default }
spec:
  clusterIP: 10.97.211.13
  ports:
    - { name: grpc, port: 8000 }
`;
  const slices = backendPorts.map(
    (port, index) => `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: bench-${index + 1}
  namespace: default
  labels: { kubernetes.io/service-name: bench }
addressType: IPv4
ports:
  - { name: grpc, port: ${port} }
endpoints:
  - addresses: [127.0.0.1]
`,
  );
  return [service, ...slices, ...(rules > 0 ? routeRules(rules) : [])].join('---\n');
}
