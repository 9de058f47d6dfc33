import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startProcess, type StartedProcess } from './start-process.ts';
import { launcher, type SubjectName } from './subject.ts';

/** The authority of calls that go to the upstream on `port`. */
export function caseHost(port: number): string {
  return `case-${port}.default.svc.cluster.local:8000`;
}

/**
 * Starts a subject that sends each host of {@link caseHost} to that port of 127.0.0.1, speaking h2c, so that what one
 * upstream does has no bearing on the others. Two are enough to tell the suite from its subject.
 */
export async function startCaseSubject(
  name: SubjectName,
  ports: readonly number[],
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), `steelyard-${name}-`));
  const cleanUp = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', cleanUp);
  const port = await freePort();
  const started = await start(name, port, ports, folder);
  return {
    port,
    async stop() {
      await started.stop();
      process.removeListener('exit', cleanUp);
      cleanUp();
    },
  };
}

function start(name: SubjectName, port: number, upstreams: readonly number[], folder: string): Promise<StartedProcess> {
  if (name === 'steelyard') {
    writeFileSync(join(folder, 'cases.yaml'), upstreams.map(manifest).join('---\n'));
    const args = [launcher, 'proxy', '-f', folder, '--listen', `127.0.0.1:${port}`, '--workers', '1'];
    return startProcess(name, process.execPath, args, port);
  }
  if (name === 'nghttpx') {
    const conf = join(folder, 'nghttpx.conf');
    writeFileSync(conf, '');
    const backends = upstreams.map((each) => `-b127.0.0.1,${each};${caseHost(each).replace(/:.*/, '')}/;proto=h2`);
    // It wants one for what matches none of them.
    backends.push(`-b127.0.0.1,${upstreams[0] ?? 1};;proto=h2`);
    const quiet = ['--errorlog-file=/dev/null', '--accesslog-file='];
    return startProcess(
      name,
      'nghttpx',
      [`--conf=${conf}`, `-f127.0.0.1,${port};no-tls`, ...backends, '-n1', ...quiet],
      port,
    );
  }
  throw new Error(`--subject ${name}: this suite can be run with steelyard and nghttpx`);
}

function manifest(upstream: number): string {
  return `apiVersion: v1
kind: Service
metadata: { name: case-${upstream}, namespace: default }
spec:
  ports:
    - { name: grpc, port: 8000 }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: case-${upstream}-1
  namespace: default
  labels: { kubernetes.io/service-name: case-${upstream} }
addressType: IPv4
ports:
  - { name: grpc, port: ${upstream} }
endpoints:
  - addresses: [127.0.0.1]
`;
}
