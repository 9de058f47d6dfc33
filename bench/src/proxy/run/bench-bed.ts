import { startSubject, type RunningSubject, type SubjectName, type SubjectOptions } from '@steelyard/tools/peers';
import { pinning, type Pinning } from '../../cpus.ts';
import { startBackends, type Backends } from './backends.ts';
import { TLS_IDENTITY, TLS_NAME } from './identity.ts';
import { createLoadDriver, type LoadDriver } from './load-driver.ts';
import type { Measured } from '../load/load-command.ts';

/** What all measurements stand on. */
export interface BenchBed {
  readonly load: LoadDriver;
  readonly backends: Backends;
  readonly pinned: boolean;
  /** Ours and the peers that are installed. */
  readonly subjects: readonly SubjectName[];
  /** Progress, for a person who waits. */
  say(text: string): void;
  /** Starts a subject in front of the first `upstreams` backends. */
  start(name: SubjectName, upstreams: number, options?: StartOptions): Promise<StartedSubject>;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly tls?: boolean;
  readonly nodeArgs?: readonly string[];
  /** See {@link SubjectOptions}. */
  readonly rules?: number;
}

export interface StartedSubject {
  readonly name: SubjectName;
  readonly measured: Measured;
  stop(): Promise<void>;
}

export async function createBenchBed(
  subjects: readonly SubjectName[],
  mostUpstreams: number,
  say: (text: string) => void,
): Promise<BenchBed> {
  const none: Pinning = { subject: (command) => command, others: (command) => command };
  const own = pinning();
  if (own === undefined) say('one CPU, or no taskset: subject, load and backends share what there is');
  const pin = own ?? none;
  const backends = await startBackends(mostUpstreams, pin.others);
  const load = createLoadDriver(pin.others);
  return {
    load,
    backends,
    pinned: own !== undefined,
    subjects,
    say,
    async start(name, upstreams, { tls = false, nodeArgs = [], rules = 0 } = {}) {
      const options: SubjectOptions = { wrap: pin.subject, nodeArgs, rules, ...(tls ? { tls: TLS_IDENTITY } : {}) };
      return started(await startSubject(name, backends.ports.slice(0, upstreams), options), tls);
    },
    async stop() {
      await load.stop();
      await backends.stop();
    },
  };
}

function started(subject: RunningSubject, tls: boolean): StartedSubject {
  const target = { port: subject.port, ...(tls ? { tls: { ca: TLS_IDENTITY.cert, name: TLS_NAME } } : {}) };
  return { name: subject.name, measured: { target, pid: subject.process.pid }, stop: () => subject.stop() };
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
