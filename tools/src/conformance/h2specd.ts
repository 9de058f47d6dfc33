import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { caseHost, startCaseSubject } from '../peers/index.ts';
import { judgeReport, runForReport } from './h2spec-report.ts';
import type { SuiteOptions, SuiteResult } from './suite.ts';

/** Cases of v2.2.1, each on a port of its own, in their order from the first port on. */
const CASES = 57;
/** How long h2specd waits for what a case expects. It gives a case three seconds in all. */
const CASE_TIMEOUT_S = 1;
/** Each case may take three seconds. */
const SUITE_TIMEOUT_MS = 200_000;
const CALL_TIMEOUT_MS = 3000;
const POLL_MS = 10;

/**
 * h2spec's client suite: its server misbehaves in a different way on each port, the proxy is its client. It starts a
 * command per case; ours only notes the URL, and this process makes the call through the proxy.
 */
export async function h2specd(options: SuiteOptions): Promise<SuiteResult> {
  if (spawnSync('h2specd', ['--version']).status !== 0) {
    throw new Error(
      'h2specd is not installed: go install github.com/summerwind/h2spec/cmd/h2specd@v2.2.1+incompatible',
    );
  }
  const ports = await freePorts(CASES);
  const folder = mkdtempSync(join(tmpdir(), 'steelyard-h2specd-'));
  const subject = await startCaseSubject(options.subject, ports);
  const wanted = join(folder, 'wanted');
  const script = join(folder, 'note.sh');
  writeFileSync(wanted, '');
  writeFileSync(script, 'echo "$2" >> "$1"\n');
  let called = 0;
  const polling = setInterval(() => {
    const urls = readFileSync(wanted, 'utf8').split('\n').slice(0, -1);
    for (; called < urls.length; called++) callOnce(subject.port, Number(new URL(urls[called] ?? '').port));
  }, POLL_MS);
  try {
    const output = await runH2specd(ports[0] ?? 0, `sh ${script} ${wanted}`);
    return judgeReport('h2specd', output, CASES);
  } finally {
    clearInterval(polling);
    await subject.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One call through the proxy to the server of a case. What becomes of it is h2specd's to judge. */
function callOnce(proxyPort: number, casePort: number): void {
  const session = connect(`http://127.0.0.1:${proxyPort}`);
  session.setTimeout(CALL_TIMEOUT_MS, () => session.destroy());
  session.on('error', () => undefined);
  const call = session.request({ ':path': '/', ':authority': caseHost(casePort) });
  call.on('error', () => undefined);
  call.on('close', () => session.destroy());
  call.resume().end();
}

function runH2specd(fromPort: number, command: string): Promise<string> {
  return runForReport(
    'h2specd',
    ['-f', String(fromPort), '-o', String(CASE_TIMEOUT_S), '-e', command],
    SUITE_TIMEOUT_MS,
  );
}

/** So many ports of 127.0.0.1 in a row that are free at this moment. */
async function freePorts(count: number): Promise<number[]> {
  for (let first = 21_000; first + count < 32_000; first += count) {
    const ports = Array.from({ length: count }, (_, i) => first + i);
    const free = await Promise.all(ports.map(isFree));
    if (free.every((each) => each)) return ports;
  }
  throw new Error(`no ${count} free ports in a row between 21000 and 32000`);
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
