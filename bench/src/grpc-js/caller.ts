import { LATE } from './misbehaviour.ts';
import { Client, credentials, experimental, Metadata, status } from '@grpc/grpc-js';

export interface ServiceConfig {
  readonly loadBalancingConfig: readonly Readonly<Record<string, object>>[];
}

export const OK: number = status.OK;

/** A channel with its policy, and calls over it. */
export interface Caller {
  readonly client: Client;
  /** One unary call of 12 bytes; resolves with its status code. */
  readonly call: (metadata?: Metadata) => Promise<number>;
  /** Calls that a slow pod has answered. */
  readonly late: () => number;
  /** As many calls as the pods have been connected to until now, by any caller. */
  readonly connections: () => Promise<number>;
}

const REQUEST = Buffer.from('twelve bytes');
const same = (bytes: Buffer): Buffer => bytes;
const LATE_BYTES = Buffer.from(LATE);
const DEADLINE_MS = 10_000;

export function openCaller(name: string, serviceConfig: ServiceConfig): Caller {
  // A policy that cannot be parsed becomes pick_first without a word; here it throws.
  for (const policy of serviceConfig.loadBalancingConfig) experimental.parseLoadBalancingConfig(policy);
  const client = new Client(`bench:///${name}`, credentials.createInsecure(), {
    'grpc.enable_http_proxy': 0,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.service_config': JSON.stringify(serviceConfig),
  });
  client.getChannel().getConnectivityState(true);
  const unary = (path: string, metadata: Metadata, done: (code: number, answer?: Buffer) => void): void => {
    const deadline = Date.now() + DEADLINE_MS;
    client.makeUnaryRequest(path, same, same, REQUEST, metadata, { deadline }, (error, answer) => {
      done(error === null ? OK : error.code, answer);
    });
  };
  let late = 0;
  return {
    client,
    late: () => late,
    call: (metadata = new Metadata()) =>
      new Promise((resolve) => {
        unary('/bench.Pods/Call', metadata, (code, answer) => {
          if (answer?.equals(LATE_BYTES) === true) late++;
          resolve(code);
        });
      }),
    connections: () =>
      new Promise((resolve, reject) => {
        unary('/bench.Pods/Connections', new Metadata(), (code, answer) => {
          if (code === OK) resolve(Number(answer?.toString()));
          else reject(new Error(`the pods do not answer (${status[code] ?? code})`));
        });
      }),
  };
}

/** Makes `calls` calls, `concurrency` at a time; resolves with how many failed. */
export async function runCalls(
  { call }: Caller,
  calls: number,
  concurrency: number,
  metadata?: () => Metadata,
): Promise<number> {
  let started = 0;
  let failed = 0;
  const one = async (): Promise<void> => {
    while (started < calls) {
      started++;
      if ((await call(metadata?.())) !== OK) failed++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, one));
  return failed;
}

export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${limitMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
