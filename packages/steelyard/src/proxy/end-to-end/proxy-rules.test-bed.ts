import { type CompilerOptions, createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import { createSeededRandom } from '@steelyard/core/balance';
import type { Diagnostic, Snapshot } from '@steelyard/core/model';
import { type PodBehaviour, startPod, TestCaller, type TestReply } from '@steelyard/testkit';
import { type Proxy, startProxy } from '../proxy.ts';
import type { ProxyOptions } from '../proxy-options.ts';
import { cleanUp, silent } from './proxy.test-bed.ts';

export interface RulesBed {
  readonly caller: TestCaller;
  /** What the rules were found to be not served in. */
  readonly findings: readonly Diagnostic[];
  readonly port: number;
  readonly proxy: Proxy;
}

/** `default/backend`, port 8000, by Istio's rules. */
export interface Rules {
  /** By zone; those without one at `zone` undefined. A port nobody listens on where there is no behaviour. */
  readonly pods: readonly { readonly behaviour: PodBehaviour; readonly zone?: string }[];
  /** Ports of more pods, at which there need not be anybody. */
  readonly ports?: readonly number[];
  readonly trafficPolicy?: object;
  readonly http?: readonly object[];
  /** Subsets of the DestinationRule, and what each is: the label `pod` of a pod is its number. */
  readonly subsets?: readonly object[];
  /** Of the DestinationRule. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly client?: CompilerOptions;
  /** Takes the lines of the access log. */
  readonly log?: (lines: string) => void;
}

/** Answers with its name: at once, in trailers only. */
export const named =
  (name: string, headers: object = {}): PodBehaviour =>
  (stream) => {
    const head = { ':status': 200, 'content-type': 'application/grpc', 'x-pod': name, ...headers };
    stream.respond({ ...head, 'grpc-status': '0' }, { endStream: true });
  };

function istio(kind: string, spec: object, annotations: Readonly<Record<string, string>> = {}): object {
  return { apiVersion: 'networking.istio.io/v1', kind, metadata: { name: 'backend', annotations }, spec };
}

function slice(index: number, port: number, zone: string | undefined): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `backend-${index}`, labels: { 'kubernetes.io/service-name': 'backend' } },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port }],
    endpoints: [
      {
        addresses: ['127.0.0.1'],
        targetRef: { kind: 'Pod', name: `backend-${index}`, namespace: 'default' },
        ...(zone !== undefined && { zone }),
      },
    ],
  };
}

export function compileRules(podPorts: readonly number[], rules: Rules): Snapshot {
  const { trafficPolicy, subsets, annotations, http, ports = [] } = rules;
  const values = [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'backend' },
      spec: { ports: [{ name: 'grpc', port: 8000 }] },
    },
    ...podPorts.map((port, index) => slice(index, port, rules.pods[index]?.zone)),
    ...ports.map((port, index) => slice(podPorts.length + index, port, undefined)),
    ...podPorts.map((_, index) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `backend-${index}`, labels: { pod: String(index) } },
    })),
    ...(trafficPolicy === undefined && subsets === undefined && annotations === undefined
      ? []
      : [
          istio(
            'DestinationRule',
            {
              host: 'backend',
              ...(trafficPolicy !== undefined && { trafficPolicy }),
              ...(subsets !== undefined && { subsets }),
            },
            annotations,
          ),
        ]),
    ...(http === undefined ? [] : [istio('VirtualService', { hosts: ['backend'], http })]),
  ];
  const documents = values.map((value) => ({ file: 'a', value, locate: () => undefined }));
  return createCompiler(rules.client).compile(parseObjects(documents, { defaultNamespace: 'default' }));
}

/** Pods, a proxy in front of them that goes by the rules, and a caller. */
export async function startRules(rules: Rules): Promise<RulesBed> {
  const pods = await startPods(rules);
  const current = compileRules(pods, rules);
  const proxy = await startProxy({
    snapshots: { current, subscribe: () => () => undefined },
    listen: { host: '127.0.0.1', port: 0 },
    namespace: 'default',
    log: silent,
    random: createSeededRandom(7),
    ...(rules.log !== undefined && { accessLog: accessLogTo(rules.log) }),
  });
  cleanUp.push(() => proxy.close());
  const { port } = proxy.address;
  return { caller: newCaller(port), findings: current.diagnostics, port, proxy };
}

function accessLogTo(write: (lines: string) => void): NonNullable<ProxyOptions['accessLog']> {
  return { selection: { kind: 'all' }, sink: { write, dropped: 0, close: async () => undefined } };
}

/** Their ports. */
export async function startPods(rules: Rules): Promise<readonly number[]> {
  const pods = await Promise.all(rules.pods.map(({ behaviour }) => startPod(behaviour)));
  for (const pod of pods) cleanUp.push(() => pod.close());
  return pods.map(({ port }) => port);
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
