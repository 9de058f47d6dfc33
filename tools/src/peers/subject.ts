import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { envoy } from './envoy.ts';
import { haproxy } from './haproxy.ts';
import { nghttpx } from './nghttpx.ts';
import { nginx } from './nginx.ts';
import { freePort, startProcess, type StartedProcess } from './start-process.ts';
import { steelyard } from './steelyard.ts';
import { certFile, keyFile, type Subject, type TlsIdentity } from './subject-setup.ts';
import { versionOf } from './version.ts';

export { launcher } from './steelyard.ts';
export { AUTHORITY, type TlsIdentity } from './subject-setup.ts';

export const SUBJECT_NAMES = ['steelyard', 'nghttpx', 'haproxy', 'nginx', 'envoy'] as const;
export type SubjectName = (typeof SUBJECT_NAMES)[number];

export function isSubjectName(text: string): text is SubjectName {
  return SUBJECT_NAMES.some((name) => name === text);
}

/** Each set up for gRPC over h2c the way its own documentation says, logs off as ours are. */
const subjects: Readonly<Record<SubjectName, Subject>> = { steelyard, nghttpx, haproxy, nginx, envoy };

export interface RunningSubject {
  readonly name: SubjectName;
  readonly port: number;
  readonly process: StartedProcess;
  stop(): Promise<void>;
}

export interface SubjectOptions {
  /** Changes its command line, to run it on chosen CPUs. */
  readonly wrap?: (command: readonly string[]) => readonly string[];
  /** TLS in front. */
  readonly tls?: TlsIdentity;
  /** Arguments of Node before the program, for the one that runs on it. */
  readonly nodeArgs?: readonly string[];
  /** Rules of a VirtualService that none of the calls is meant by, for the one that reads it. */
  readonly rules?: number;
}

/** The version a subject says it has; undefined when it is not installed. */
export function subjectVersion(name: SubjectName): string | undefined {
  return versionOf(subjects[name].version);
}

/** Starts a subject with one worker in front of backends on ports of 127.0.0.1; `stop` ends it and removes its files. */
export async function startSubject(
  name: SubjectName,
  backendPorts: number | readonly number[],
  { wrap = (command) => command, tls, nodeArgs = [], rules = 0 }: SubjectOptions = {},
): Promise<RunningSubject> {
  const folder = mkdtempSync(join(tmpdir(), `steelyard-${name}-`));
  const cleanUp = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', cleanUp);
  if (tls !== undefined) {
    writeFileSync(certFile(folder), tls.cert);
    writeFileSync(keyFile(folder), tls.key, { mode: 0o600 });
  }
  const port = await freePort();
  const own = subjects[name].command({
    port,
    backendPorts: typeof backendPorts === 'number' ? [backendPorts] : backendPorts,
    folder,
    nodeArgs,
    rules,
    ...(tls === undefined ? {} : { tls }),
  });
  const [command = own.command, ...args] = wrap([own.command, ...own.args]);
  const started = await startProcess(name, command, args, port);
  return {
    name,
    port,
    process: started,
    async stop() {
      await started.stop();
      process.removeListener('exit', cleanUp);
      cleanUp();
    },
  };
}
