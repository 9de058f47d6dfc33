// Rule for rule what the real kube-proxy writes for the same objects, on its PATH, as root, in a namespace of its own.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { IpFamily } from '@steelyard/core/model';
import { compileRuleSet } from '../compile/compile-rule-set.ts';
import type { RunnerCase, RunnerDump } from './kube-proxy-runner.test-bed.ts';
import { COMMANDS, lacks } from '../apply/kernel-commands.test-bed.ts';
import { compileNftables } from '../nftables/compile-nftables.ts';
import type { ParsedDump } from '../trace/dump-finding.ts';
import { parseNft } from '../nftables/parse-nft.ts';
import type { RuleSet } from '../compile/rule-set.ts';
import { parseIptablesSave } from '../iptables/parse-iptables-save.ts';
import { randomCase } from '../compile/random-objects.test-bed.ts';
import { randomRules } from '../compile/random-snapshot.test-bed.ts';
import { renderIptables } from '../iptables/render-iptables.ts';
import { ruleLines } from '../compile/rule-lines.test-bed.ts';

const CASES = Number(process.env['STEELYARD_KUBE_PROXY_CASES'] ?? 2);
const FIRST_SEED = Number(process.env['STEELYARD_KUBE_PROXY_SEED'] ?? 1);
const RUNNER = fileURLToPath(new URL('./kube-proxy-runner.test-bed.js', import.meta.url));

function runAll(cases: readonly RunnerCase[]): readonly RunnerDump[] {
  const done = spawnSync(COMMANDS.unshare, ['-n', process.execPath, RUNNER, 'run'], {
    input: JSON.stringify(cases),
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  const dumps = done.stdout.split('\n').filter((line) => line !== '');
  assert.equal(dumps.length, cases.length, done.stderr.slice(-2000));
  return dumps.map((line): RunnerDump => JSON.parse(line));
}

suite('as the real kube-proxy writes it', { skip: lacks('kubeProxy') }, () => {
  for (const mode of ['iptables', 'nftables'] as const) {
    test(`${mode}: ${CASES} random clusters`, () => {
      const cases = Array.from({ length: CASES }, (_, index) => randomCase(FIRST_SEED + index));
      const dumps = runAll(cases.map(({ objects, config }) => ({ mode, objects, config })));
      for (const [index, { seed }] of cases.entries()) {
        for (const family of ['IPv4', 'IPv6'] as const satisfies readonly IpFamily[]) {
          const dump = dumps[index]?.[family] ?? '';
          const { snapshot, options } = randomRules(seed, mode, family);
          const accounting = dump.includes('nfacct');
          const all = { ...options, accounting };
          const where = `seed ${seed}, ${family}`;
          if (mode === 'nftables') assertSame(parseNft(dump), compileNftables(snapshot, all), where);
          else assertSame(parseIptablesSave(dump), throughText(compileRuleSet(snapshot, all)), where);
        }
      }
    });
  }
});

/** Our rules as a reader of iptables-save sees them. */
function throughText(ruleSet: RuleSet): RuleSet {
  const [read] = parseIptablesSave(renderIptables(ruleSet, { builtInChains: true })).ruleSets;
  assert.ok(read !== undefined);
  return read;
}

/** The first few lines that only one of them has. */
function assertSame(theirs: ParsedDump, ours: RuleSet, where: string): void {
  const [first] = theirs.ruleSets;
  assert.deepEqual(theirs.findings, [], where);
  const [left, right] = [first === undefined ? [] : ruleLines(first), ruleLines(ours)];
  const missing = left.filter((line) => !right.includes(line));
  const surplus = right.filter((line) => !left.includes(line));
  assert.deepEqual({ missing: missing.slice(0, 5), surplus: surplus.slice(0, 5) }, { missing: [], surplus: [] }, where);
  assert.equal(left.length, right.length, where);
  assert.ok(left.length > 10, where);
}
