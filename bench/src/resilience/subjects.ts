import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, launcher, startProcess } from '@steelyard/tools/peers';
import { envoyBootstrap, envoyEndpoints } from './envoy-config.ts';
import { manifests } from './manifests.ts';
import type { SubjectKind } from './subject-kind.ts';

export interface RunningSubject {
  readonly port: number;
  /** From now on calls go to these ports of 127.0.0.1. */
  setPods(ports: readonly number[]): void;
  stop(): Promise<void>;
}

export async function startSubject(kind: SubjectKind, ports: readonly number[]): Promise<RunningSubject> {
  const folder = mkdtempSync(join(tmpdir(), 'steelyard-resilience-'));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  const port = await freePort();
  const put = (name: string, text: string): void => {
    writeFileSync(join(folder, '.draft'), text);
    renameSync(join(folder, '.draft'), join(folder, name));
  };
  const setPods = (now: readonly number[]): void => {
    if (kind.proxy === 'envoy') put('endpoints.json', JSON.stringify(envoyEndpoints(now)));
    else put('backend.yaml', manifests(kind, now));
  };
  setPods(ports);
  if (kind.proxy === 'envoy') {
    put('envoy.json', JSON.stringify(envoyBootstrap(kind, port, join(folder, 'endpoints.json'))));
  }
  const ours = ['proxy', '-f', folder, '--listen', `127.0.0.1:${port}`, '--service', 'backend.default:8000'];
  const quiet = ['--concurrency', '1', '--log-level', 'off', '--use-dynamic-base-id', '--disable-hot-restart'];
  const running =
    kind.proxy === 'envoy'
      ? await startProcess('envoy', 'envoy', ['-c', join(folder, 'envoy.json'), ...quiet], port)
      : await startProcess('steelyard', process.execPath, [launcher, ...ours, '--workers', '1'], port);
  return {
    port,
    setPods,
    async stop() {
      await running.stop();
      process.off('exit', removeFolder);
      removeFolder();
    },
  };
}
