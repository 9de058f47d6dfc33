import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { compileRuleSet } from '../compile/compile-rule-set.ts';
import { parseIptablesSave } from './parse-iptables-save.ts';
import { randomRules } from '../compile/random-snapshot.test-bed.ts';
import { renderIptables } from './render-iptables.ts';
import { ruleLines } from '../compile/rule-lines.test-bed.ts';
import type { Match, Rule, RuleSet, Verdict } from '../compile/rule-set.ts';
import { traceConnection } from '../trace/trace-connection.ts';

const ARTICLE = readFileSync(new URL('../../../../../examples/dumps/article.txt', import.meta.url), 'utf8');

function ruleSetOf(text: string): RuleSet {
  const [ruleSet] = parseIptablesSave(text).ruleSets;
  assert.ok(ruleSet !== undefined);
  return ruleSet;
}

/** The one rule of a chain `X`, where the chain `Y` is there too. */
function ruleOf(line: string): Rule | undefined {
  return ruleSetOf(`*nat\n:X - [0:0]\n:Y - [0:0]\n-A X ${line}\nCOMMIT\n`).tables['nat']?.get('X')?.rules[0];
}

suite('parseIptablesSave', () => {
  test('reads back what we render, for random clusters', () => {
    for (let seed = 0; seed < 60; seed++) {
      for (const family of ['IPv4', 'IPv6'] as const) {
        const { snapshot, options } = randomRules(seed, 'iptables', family);
        const ruleSet = compileRuleSet(snapshot, options);
        const read = parseIptablesSave(renderIptables(ruleSet, { builtInChains: true }));
        assert.deepEqual(read.findings, []);
        const [left, right] = [read.ruleSets.flatMap(ruleLines), ruleLines(ruleSet)];
        const surplus = left.filter((line) => !right.includes(line)).slice(0, 3);
        const missing = right.filter((line) => !left.includes(line)).slice(0, 3);
        assert.deepEqual({ surplus, missing }, { surplus: [], missing: [] }, `seed ${seed} ${family}`);
      }
    }
  });

  test("the article's dump: a third each, by an older kube-proxy's five digits", () => {
    const packet = { source: '10.80.1.1', destination: '10.97.211.12', port: 8000, protocol: 'TCP' } as const;
    const outcomes = traceConnection(ruleSetOf(ARTICLE), packet);
    const shares = outcomes.map((each) => [
      each.kind === 'dnat' ? each.address : each.kind,
      each.probability.toFixed(6),
    ]);
    assert.deepEqual(shares, [
      ['10.80.128.247', '0.333330'],
      ['10.80.153.167', '0.333335'],
      ['10.80.167.226', '0.333335'],
    ]);
  });

  const jump: Verdict = { kind: 'jump', chain: 'Y' };
  const spellings: readonly [string, readonly Match[], Verdict][] = [
    ['-d 10.0.0.1/32 -j Y', [{ kind: 'destination', network: '10.0.0.1', negated: false }], jump],
    ['! -s 10.0.0.0/255.0.0.0 -j Y', [{ kind: 'source', network: '10.0.0.0/255.0.0.0', negated: true }], jump],
    ['-i veth+ -g Y', [{ kind: 'inputInterface', name: 'veth*', negated: false }], { kind: 'goto', chain: 'Y' }],
    ['-j MARK --or-mark 0x4000', [], { kind: 'setMark', value: 0x4000, mask: 0x4000 }],
    ['-j MARK --xor-mark 0x4000', [], { kind: 'setMark', value: 0x4000, mask: 0 }],
    ['-j MARK --set-mark 0x1/0x3', [], { kind: 'setMark', value: 1, mask: 3 }],
    ['-j DNAT --to-destination [fd00::1]:80', [], { kind: 'dnat', address: 'fd00::1', port: 80 }],
    ['-j DNAT --to-destination 10.0.0.1', [], { kind: 'dnat', address: '10.0.0.1' }],
    ['-m state --state NEW -j ACCEPT', [{ kind: 'conntrackState', states: ['NEW'] }], { kind: 'accept' }],
    [
      '-m recent --rcheck --seconds 60 --reap --name L --mask 255.255.255.255 --rsource -j Y',
      [{ kind: 'recentCheck', list: 'L', seconds: 60 }],
      jump,
    ],
    ['-m statistic --mode nth --every 4 --packet 0 -j Y', [{ kind: 'statistic', probability: 0.25 }], jump],
    ['-m comment --comment "a \\"b\\" c" -j Y', [{ kind: 'comment', text: 'a "b" c' }], jump],
    ['-m set --match-set S dst,dst -j Y', [{ kind: 'unknown', text: '--match-set S dst,dst' }], jump],
    ['-j LOG --log-prefix x', [], { kind: 'unknown', text: '-j LOG --log-prefix x' }],
    ['-p icmp -j ACCEPT', [{ kind: 'unknown', text: '-p icmp' }], { kind: 'accept' }],
  ];
  for (const [line, matches, verdict] of spellings) {
    test(line, () => assert.deepEqual(ruleOf(line), { matches, verdict }));
  }

  test('foreign rules between ours do not change what a connection gets', () => {
    const foreign = ARTICLE.replace(
      '-A KUBE-SERVICES -d 10.97',
      '-A PREROUTING -m physdev --physdev-is-bridged -j RETURN\n-A KUBE-SERVICES -m set --match-set X src -j DROP\n-A KUBE-SERVICES -d 10.97',
    );
    assert.notEqual(foreign, ARTICLE);
    const packet = { source: '10.80.1.1', destination: '10.97.211.12', port: 8000, protocol: 'TCP' } as const;
    const heard: string[] = [];
    const outcomes = traceConnection(ruleSetOf(foreign), packet, { onUnknown: (text) => heard.push(text) });
    assert.deepEqual(outcomes, traceConnection(ruleSetOf(ARTICLE), packet));
    assert.equal(heard.length > 0, true);
  });

  test('says that a dump ends in the middle, and explains it as far as it goes', () => {
    const cut = parseIptablesSave(ARTICLE.slice(0, ARTICLE.indexOf('-A KUBE-SVC')));
    assert.deepEqual(
      cut.findings.map(({ message }) => message),
      ['The dump ends in the middle of a table: what follows is missing.'],
    );
    const headless = parseIptablesSave('*nat\n-A PREROUTING -j KUBE-SERVICES\nnonsense\n');
    assert.match(JSON.stringify(headless.findings), /no rule and is left out: nonsense.*jump to KUBE-SERVICES/);
  });

  test('never throws, wherever it is cut and whatever is changed', () => {
    const alphabet = fc.constantFrom('-A ', '-j ', '! ', '"', '*nat\n', ':', '--dport ', '\n', '-m ', 'x', '0', '/');
    fc.assert(
      fc.property(fc.nat(ARTICLE.length), fc.array(alphabet, { maxLength: 20 }), (at, parts) => {
        const { ruleSets } = parseIptablesSave(ARTICLE.slice(0, at) + parts.join('') + ARTICLE.slice(at + 7));
        assert.equal(ruleSets.length, 1);
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});
