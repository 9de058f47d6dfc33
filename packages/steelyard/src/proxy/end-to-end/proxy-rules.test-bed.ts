import { type CompilerOptions, createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import { createSeededRandom } from '@steelyard/core/balance';
import type { Diagnostic } from '@steelyard/core/model';
import { type PodBehaviour, startPod, TestCaller, type TestReply } from '@steelyard/testkit';
import { startProxy } from '../proxy.ts';
import { cleanUp, silent } from './proxy.test-bed.ts';

export interface RulesBed {
  readonly caller: TestCaller;
  /** What the rules were found to be not served in. */
  readonly findings: readonly Diagnostic[];
  readonly port: number;
}

/** `default/backend`, port 8000, by Istio's rules. */
export interface Rules {
  /** By zone; those without one at `zone` undefined. A port nobody listens on where there is no behaviour. */
  readonly pods: readonly { readonly behaviour: PodBehaviour; readonly zone?: string }[];
  /** Ports of more pods, at which there need not be anybody. */
  readonly ports?: readonly number[];
  readonly trafficPolicy?: object;
  readonly http?: readonly object[];
  readonly client?: CompilerOptions;
}

/** Answers with its name: at once, in trailers only. */
export const named =
  (name: string, headers: object = {}): PodBehaviour =>
  (stream) => {
    const head = { ':status': 200, 'content-type': 'application/grpc', 'x-pod': name, ...headers };
    stream.respond({ ...head, 'grpc-status': '0' }, { endStream: true });
  };

function istio(kind: string, spec: object): object {
  return { apiVersion: 'networking.istio.io/v1', kind, metadata: { name: 'backend' }, spec };
}

function slice(index: number, port: number, zone: string | undefined): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `backend-${index}`, labels: { 'kubernetes.io/service-name': 'backend' } },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port }],
    endpoints: [{ addresses: ['127.0.0.1'], ...(zone !== undefined && { zone }) }],
  };
}

/** Pods, a proxy in front of them that goes by the rules, and a caller. */
export async function startRules(rules: Rules): Promise<RulesBed> {
  const pods = await Promise.all(rules.pods.map(({ behaviour }) => startPod(behaviour)));
  for (const pod of pods) cleanUp.push(() => pod.close());
  const { trafficPolicy, http, ports = [] } = rules;
  const values = [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'backend' },
      spec: { ports: [{ name: 'grpc', port: 8000 }] },
    },
    ...pods.map(({ port }, index) => slice(index, port, rules.pods[index]?.zone)),
    ...ports.map((port, index) => slice(pods.length + index, port, undefined)),
    ...(trafficPolicy === undefined ? [] : [istio('DestinationRule', { host: 'backend', trafficPolicy })]),
    ...(http === undefined ? [] : [istio('VirtualService', { hosts: ['backend'], http })]),
  ];
  const documents = values.map((value) => ({ file: 'a', value, locate: () => undefined }));
  const current = createCompiler(rules.client).compile(parseObjects(documents, { defaultNamespace: 'default' }));
  const proxy = await startProxy({
    snapshots: { current, subscribe: () => () => undefined },
    listen: { host: '127.0.0.1', port: 0 },
    namespace: 'default',
    log: silent,
    random: createSeededRandom(7),
  });
  cleanUp.push(() => proxy.close());
  const { port } = proxy.address;
  return { caller: newCaller(port), findings: current.diagnostics, port };
}

/** Another connection to the proxy. */
export function newCaller(port: number): TestCaller {
  const caller = new TestCaller(port);
  cleanUp.push(() => caller.close());
  return caller;
}

/** Makes the calls one after the other; who answered, in order. */
export async function whoAnswers(caller: TestCaller, calls: readonly object[]): Promise<readonly string[]> {
  const replies: TestReply[] = [];
  for (const headers of calls) replies.push(await caller.call('x', { ...headers }));
  return replies.map(({ headers }) => String(headers['x-pod'] ?? `status ${String(headers['grpc-status'])}`));
}
