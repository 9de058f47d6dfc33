import { spawnSync } from 'node:child_process';
import { runCompiledSuite } from './compiled-suite.ts';
import type { SuiteOptions, SuiteResult } from './suite.ts';

const ROUNDS = 10;

/** Answer for answer beside CoreDNS, on generated object sets. */
export async function dns({ say }: SuiteOptions): Promise<SuiteResult> {
  const { status, stdout } = spawnSync('coredns', ['-version'], { encoding: 'utf8' });
  if (status !== 0) {
    throw new Error('coredns is not installed: go install github.com/coredns/coredns@latest');
  }
  const result = await runCompiledSuite({
    file: 'dns/coredns.test.js',
    env: { STEELYARD_COREDNS: 'coredns', STEELYARD_COREDNS_ROUNDS: String(ROUNDS) },
  });
  const same = sum(result.output, /^# (\d+) answers the same$/gm);
  const reasons = new Map<string, number>();
  for (const [, count, why = ''] of result.output.matchAll(/^# (\d+) differ: (.*)$/gm)) {
    reasons.set(why, (reasons.get(why) ?? 0) + Number(count));
  }
  const lines = [
    `dns: beside ${stdout.split('\n')[0] ?? 'CoreDNS'}: ${same} answers the same on ${ROUNDS} object sets`,
  ];
  for (const [why, count] of reasons) lines.push(`dns: ${count} differ on purpose: ${why}`);
  say(lines[0] ?? '');
  const failures =
    result.failed > 0
      ? [
          `dns: ${result.failed} object sets differ:\n${result.output.slice(Math.max(0, result.output.indexOf('not ok'))).slice(0, 4000)}`,
        ]
      : [];
  if (result.passed + result.failed === 0) failures.push('dns: nothing was compared');
  return { summary: lines.join('\n'), failures };
}

function sum(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((total, [, count]) => total + Number(count), 0);
}
