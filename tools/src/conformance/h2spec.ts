import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http2';
import { startSubject } from '../peers/index.ts';
import { judgeReport, runForReport } from './h2spec-report.ts';
import type { SuiteOptions, SuiteResult } from './suite.ts';

/**
 * All cases of v2.2.1 must pass, the newest version that Go can install. HAProxy 2.6 does too; nghttpx 1.52 passes 140,
 * node:http2 of Node 20 passes 137. Later versions have one more, a literal whose name has an index beyond the tables:
 * `hpack.test.ts` has it.
 */
const CASES = 146;
const CASE_TIMEOUT_S = 2;
/** 146 cases that all run into their timeout take five minutes. */
const SUITE_TIMEOUT_MS = 400_000;

/** h2spec's generic, http2 and hpack sections against the proxy; what it forwards is answered by node:http2. */
export async function h2spec(options: SuiteOptions): Promise<SuiteResult> {
  if (spawnSync('h2spec', ['--version']).status !== 0) {
    throw new Error('h2spec is not installed: go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible');
  }
  const backend = createServer((request, response) => {
    // Nine cases break a rule in a frame behind the request's header. Answered before that frame is there, the stream has
    // ended by the rules (RFC 9113 §8.1), and whether it is depends on how busy the machine is.
    request.resume().once('end', () => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.end('a body\n');
    });
  });
  await new Promise<void>((resolve) => {
    backend.listen(0, '127.0.0.1', resolve);
  });
  const address = backend.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  const subject = await startSubject(options.subject, address.port);
  try {
    const output = await runH2spec(subject.port, options.strict);
    return judgeReport('h2spec', output, CASES);
  } finally {
    await subject.stop();
    backend.close();
  }
}

function runH2spec(port: number, strict: boolean): Promise<string> {
  const args = ['generic', 'http2', 'hpack', '-h', '127.0.0.1', '-p', String(port), '-o', String(CASE_TIMEOUT_S)];
  return runForReport('h2spec', strict ? [...args, '--strict'] : args, SUITE_TIMEOUT_MS);
}
