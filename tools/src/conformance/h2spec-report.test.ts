import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeReport } from './h2spec-report.ts';

const report = (passed: number): string => `Generic tests for HTTP/2 server
  1. Starting HTTP/2
    \u001B[32m\u2714\u001B[0m 1: Sends a client connection preface

Failures:

Hypertext Transfer Protocol Version 2 (HTTP/2)
  5.1. Stream States
    \u001B[31m\u00D7\u001B[0m 8: closed: Sends a DATA frame after sending RST_STREAM frame

Finished in 1.2000 seconds
146 tests, ${passed} passed, 1 skipped, ${145 - passed} failed
`;

describe('judging h2spec', () => {
  it('counts and names the failures', () => {
    const { summary, failures } = judgeReport('h2spec', report(140), 140);
    assert.match(summary, /^h2spec: 140 of 146 passed, 1 skipped, 5 failed\n/);
    assert.match(summary, /8: closed: Sends a DATA frame after sending RST_STREAM frame$/);
    assert.deepEqual(failures, []);
  });

  it('fails below the bar', () => {
    assert.deepEqual(judgeReport('h2spec', report(139), 140).failures, ['h2spec: 139 cases passed, at least 140 must']);
  });

  it('fails when h2spec did not finish', () => {
    assert.throws(() => judgeReport('h2spec', 'Error: connection refused', 140), /did not finish/);
  });
});
