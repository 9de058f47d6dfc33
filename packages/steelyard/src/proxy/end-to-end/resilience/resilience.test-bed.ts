import { createSeededRandom } from '@steelyard/core/balance';
import { createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import { GRPC_STATUS_NAMES, type Snapshot } from '@steelyard/core/model';
import { type PodBehaviour, startPod, type TestCaller, type TestPodServer, type TestReply } from '@steelyard/testkit';
import { startTimedBed, type TimedBed } from '../../transport/engine.test-bed.ts';
import { cleanUp } from '../proxy.test-bed.ts';

/** Service `default/backend`, port 8000, and its DestinationRule. Nothing is tried again, so that each failure is seen. */
export interface BackendRules {
  readonly trafficPolicy?: object;
  readonly subsets?: readonly object[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** Where calls go; default: to all endpoints. */
  readonly route?: readonly object[];
}

export function compileBackend(ports: readonly number[], rules: BackendRules): Snapshot {
  const { trafficPolicy, subsets, annotations, route = [{ destination: { host: 'backend' } }] } = rules;
  const istio = (kind: string, spec: object): object => {
    return { apiVersion: 'networking.istio.io/v1', kind, metadata: { name: 'backend', annotations }, spec };
  };
  const values = [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'backend' },
      spec: { ports: [{ name: 'grpc', port: 8000 }] },
    },
    ...ports.map((port) => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `backend-${port}`, labels: { 'kubernetes.io/service-name': 'backend' } },
      addressType: 'IPv4',
      ports: [{ name: 'grpc', port }],
      endpoints: [{ addresses: ['127.0.0.1'], targetRef: { kind: 'Pod', name: `pod-${port}`, namespace: 'default' } }],
    })),
    ...ports.map((port) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `pod-${port}`, labels: { app: 'backend' } },
    })),
    istio('DestinationRule', {
      host: 'backend',
      ...(trafficPolicy !== undefined && { trafficPolicy }),
      ...(subsets !== undefined && { subsets }),
    }),
    istio('VirtualService', { hosts: ['backend'], http: [{ route, retries: { attempts: 0 } }] }),
  ];
  const documents = values.map((value) => ({ file: 'a', value, locate: () => undefined }));
  return createCompiler().compile(parseObjects(documents, { defaultNamespace: 'default' }));
}

export interface ResilienceBed extends TimedBed {
  readonly pods: readonly TestPodServer[];
}

/** Pods that answer with a status each, a proxy by a clock that the test sets, and a caller. */
export async function startResilience(
  behaviours: readonly PodBehaviour[],
  rules: BackendRules,
): Promise<ResilienceBed> {
  const pods = await Promise.all(behaviours.map((behaviour) => startPod(behaviour)));
  for (const pod of pods) cleanUp.push(() => pod.close());
  const current = compileBackend(
    pods.map(({ port }) => port),
    rules,
  );
  const bed = await startTimedBed({ current }, {}, createSeededRandom(11));
  // Calls that hang would keep it open.
  cleanUp.push(async () => bed.caller.session.destroy());
  return { ...bed, pods };
}

/** At once, and without a message. */
export const answersWith =
  (status: string, more: object = {}): PodBehaviour =>
  (stream) =>
    stream.respond({ ...HEAD, 'grpc-status': codeOf(status), ...more }, { endStream: true });

/** After a header, in trailers: where Envoy does not look. */
export const endsWith =
  (status: string, more: object = {}): PodBehaviour =>
  (stream) => {
    stream.respond(HEAD, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': codeOf(status), ...more }));
    stream.end();
  };

export const hangs: PodBehaviour = () => undefined;

const HEAD = { ':status': 200, 'content-type': 'application/grpc' };

function codeOf(status: string): string {
  return String(GRPC_STATUS_NAMES.indexOf(status));
}

/** `OK`, or the status and what is said of it. */
export function statusOf({ headers, trailers }: TestReply): string {
  return GRPC_STATUS_NAMES[Number(headers['grpc-status'] ?? trailers['grpc-status'])] ?? 'no status';
}

export function messageOf({ headers, trailers }: TestReply): string {
  return decodeURIComponent(String(headers['grpc-message'] ?? trailers['grpc-message'] ?? ''));
}

/** Calls one after the other; how often each status came. */
export async function callTimes(
  caller: TestCaller,
  times: number,
  headers: object = {},
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let call = 0; call < times; call++) {
    const status = statusOf(await caller.call('x', { ...headers }));
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

/** Indexes of the pods that a cluster has ejected. */
export function ejectedOf(
  { clusters, pods }: ResilienceBed,
  name = 'outbound|8000||backend.default.svc.cluster.local',
): number[] {
  const members = clusters().find((cluster) => cluster.name === name)?.members ?? [];
  return pods.flatMap(({ port }, index) =>
    members.some(({ key, ejected }) => ejected && key === `127.0.0.1:${port}`) ? [index] : [],
  );
}
