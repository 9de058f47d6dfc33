import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { chiSquareTest, createSeededRandom } from '@steelyard/core/balance';
import type { Endpoint, ServiceEntry } from '@steelyard/core/model';
import type { RuleSetOptions } from '../compile/rule-options.ts';
import { compileRuleSet } from '../compile/compile-rule-set.ts';
import { createConnectionWalk } from './connection-walk.ts';
import type { Packet, ProbableOutcome } from './packet.ts';
import type { Rule, RuleSet, TableName } from '../compile/rule-set.ts';
import { traceConnection } from './trace-connection.ts';

const VIP = '10.97.211.12';
const conditions = { ready: true, serving: true, terminating: false };

function ruleSetOf(addresses: readonly string[], options: Partial<RuleSetOptions> = {}): RuleSet {
  const family = options.family ?? 'IPv4';
  const endpoints = addresses.map((address): Endpoint => ({ address, port: 8000, family, conditions }));
  const port = { name: 'grpc', protocol: 'TCP', port: 8000, targetPort: 8000 } as const;
  const service = {
    kind: 'Service',
    namespace: 'default',
    name: 'backend',
    type: 'ClusterIP',
    headless: false,
    clusterIps: [VIP, 'fd00::12'],
    ports: [port],
  } as const;
  const entry: ServiceEntry = { service, ports: [{ port, endpoints }] };
  return compileRuleSet({ services: new Map([['default/backend', entry]]) }, { ...options, family });
}

const packet = (fields: Partial<Packet> = {}): Packet => ({
  source: '10.80.1.1',
  destination: VIP,
  port: 8000,
  protocol: 'TCP',
  ...fields,
});

/** The rule set with the rules of one chain replaced. */
function withRules(
  ruleSet: RuleSet,
  table: TableName,
  name: string,
  change: (rules: readonly Rule[]) => readonly Rule[],
): RuleSet {
  const chains = new Map(ruleSet.tables[table]);
  const chain = chains.get(name) ?? { name, builtIn: false, rules: [] };
  chains.set(name, { ...chain, rules: change(chain.rules) });
  return { ...ruleSet, tables: { ...ruleSet.tables, [table]: chains } };
}

const byAddress = (outcomes: readonly ProbableOutcome[]): Record<string, number> =>
  Object.fromEntries(outcomes.map((each) => [each.kind === 'dnat' ? each.address : each.kind, each.probability]));

const PODS = ['10.80.128.247', '10.80.153.167', '10.80.167.226'];
const SERVICE_CHAIN = 'KUBE-SVC-EHPSUHUW2JIVMPQD';

suite('traceConnection', () => {
  test('three pods: a third each, to the digit that the kernel keeps', () => {
    const third = 715_827_883 / 2 ** 31;
    assert.deepEqual(traceConnection(ruleSetOf(PODS), packet()), [
      { kind: 'dnat', address: PODS[0], port: 8000, masqueraded: false, probability: third },
      { kind: 'dnat', address: PODS[1], port: 8000, masqueraded: false, probability: (1 - third) / 2 },
      { kind: 'dnat', address: PODS[2], port: 8000, masqueraded: false, probability: (1 - third) / 2 },
    ]);
  });

  for (const count of [1, 2, 7, 100]) {
    test(`${count} pods: equal to one part in a million, and nothing is lost`, () => {
      const pods = Array.from({ length: count }, (_, index) => `10.80.0.${index + 1}`);
      const outcomes = traceConnection(ruleSetOf(pods), packet());
      assert.equal(outcomes.length, count);
      for (const { probability } of outcomes) assert.ok(Math.abs(probability * count - 1) < 1e-6, `${probability}`);
      const sum = outcomes.reduce((total, { probability }) => total + probability, 0);
      assert.ok(Math.abs(sum - 1) < 1e-12, `${sum}`);
    });
  }

  const fates: readonly { name: string; ruleSet: RuleSet; packet: Packet; expected: readonly unknown[] }[] = [
    {
      name: 'another port of the virtual address passes by',
      ruleSet: ruleSetOf(PODS),
      packet: packet({ port: 8001 }),
      expected: [{ kind: 'pass', masqueraded: false, probability: 1 }],
    },
    {
      name: 'another protocol passes by',
      ruleSet: ruleSetOf(PODS),
      packet: packet({ protocol: 'UDP' }),
      expected: [{ kind: 'pass', masqueraded: false, probability: 1 }],
    },
    {
      name: 'no endpoints: rejected',
      ruleSet: ruleSetOf([]),
      packet: packet(),
      expected: [{ kind: 'reject', probability: 1 }],
    },
    {
      name: 'no endpoints, from the node itself: rejected',
      ruleSet: ruleSetOf([]),
      packet: packet({ origin: 'host' }),
      expected: [{ kind: 'reject', probability: 1 }],
    },
    {
      name: 'a pod that reaches itself is masqueraded',
      ruleSet: ruleSetOf(['10.80.1.1']),
      packet: packet(),
      expected: [{ kind: 'dnat', address: '10.80.1.1', port: 8000, masqueraded: true, probability: 1 }],
    },
    {
      name: 'a source outside of the cluster is masqueraded',
      ruleSet: ruleSetOf(['10.80.2.2'], { localPods: { kind: 'network', network: '10.80.0.0/16' } }),
      packet: packet({ source: '192.168.0.1' }),
      expected: [{ kind: 'dnat', address: '10.80.2.2', port: 8000, masqueraded: true, probability: 1 }],
    },
    {
      name: 'a source inside is not',
      ruleSet: ruleSetOf(['10.80.2.2'], { localPods: { kind: 'network', network: '10.80.0.0/16' } }),
      packet: packet({ source: '10.80.255.255' }),
      expected: [{ kind: 'dnat', address: '10.80.2.2', port: 8000, masqueraded: false, probability: 1 }],
    },
    {
      name: 'masqueradeAll masquerades all',
      ruleSet: ruleSetOf(['10.80.2.2'], { masqueradeAll: true }),
      packet: packet({ origin: 'host' }),
      expected: [{ kind: 'dnat', address: '10.80.2.2', port: 8000, masqueraded: true, probability: 1 }],
    },
    {
      name: 'IPv6, in whatever spelling',
      ruleSet: ruleSetOf(['fd00:2::2'], { family: 'IPv6', localPods: { kind: 'network', network: 'fd00:2::/64' } }),
      packet: packet({ source: 'FD00:2:0::1', destination: 'fd00:0:0::12' }),
      expected: [{ kind: 'dnat', address: 'fd00:2::2', port: 8000, masqueraded: false, probability: 1 }],
    },
  ];
  for (const { name, ruleSet, packet: sent, expected } of fates) {
    test(name, () => assert.deepEqual(traceConnection(ruleSet, sent), expected));
  }

  suite('judges the rules, not the Services: what is planted shows', () => {
    test('a wrong probability', () => {
      const planted = withRules(ruleSetOf(PODS), 'nat', SERVICE_CHAIN, ([first, ...rest]) => [
        { matches: [{ kind: 'statistic', probability: 0.25 }], verdict: first?.verdict ?? { kind: 'return' } },
        ...rest,
      ]);
      assert.deepEqual(byAddress(traceConnection(planted, packet())), {
        '10.80.128.247': 0.25,
        '10.80.153.167': 0.375,
        '10.80.167.226': 0.375,
      });
    });

    test('two rules in the wrong order', () => {
      const planted = withRules(ruleSetOf(PODS), 'nat', SERVICE_CHAIN, (rules) => rules.toReversed());
      assert.deepEqual(byAddress(traceConnection(planted, packet())), { '10.80.167.226': 1 });
    });

    test('a coin on the last rule lets some connections pass by', () => {
      const planted = withRules(ruleSetOf(['10.80.0.1']), 'nat', SERVICE_CHAIN, (rules) =>
        rules.map((rule) => ({ ...rule, matches: [{ kind: 'statistic', probability: 0.75 }] })),
      );
      assert.deepEqual(byAddress(traceConnection(planted, packet())), { '10.80.0.1': 0.75, pass: 0.25 });
    });

    test('one pod behind two chains has both shares, once', () => {
      const planted = withRules(ruleSetOf(PODS), 'nat', 'KUBE-SEP-LMG22MVGXQA364F6', () => [
        { matches: [], verdict: { kind: 'dnat', address: '10.80.128.247', port: 8000 } },
      ]);
      const shares = byAddress(traceConnection(planted, packet()));
      assert.deepEqual(Object.keys(shares), ['10.80.128.247', '10.80.167.226']);
      assert.ok(Math.abs((shares['10.80.128.247'] ?? 0) - 2 / 3) < 1e-9);
    });

    test('a return goes on behind the jump; accept ends the table; drop ends all', () => {
      const returned = withRules(ruleSetOf(PODS), 'nat', SERVICE_CHAIN, (rules) => [
        { matches: [{ kind: 'statistic', probability: 0.5 }], verdict: { kind: 'return' } },
        ...rules,
      ]);
      assert.equal(byAddress(traceConnection(returned, packet()))['pass'], 0.5);
      for (const [kind, outcome] of [
        ['accept', 'pass'],
        ['drop', 'drop'],
      ] as const) {
        const ended = withRules(ruleSetOf(PODS), 'nat', 'KUBE-SERVICES', () => [{ matches: [], verdict: { kind } }]);
        assert.deepEqual(byAddress(traceConnection(ended, packet())), { [outcome]: 1 });
      }
    });

    test('a jump to nowhere, and one in a circle, are errors that name it', () => {
      const nowhere = withRules(ruleSetOf([]), 'nat', 'KUBE-SERVICES', () => [
        { matches: [], verdict: { kind: 'jump', chain: 'KUBE-SVC-NONE' } },
      ]);
      assert.throws(() => traceConnection(nowhere, packet()), {
        code: 'netfilter.chain-missing',
        message: 'table nat: rule 1 of KUBE-SERVICES jumps to KUBE-SVC-NONE, which does not exist',
      });
      const circle = withRules(ruleSetOf([]), 'nat', 'KUBE-SERVICES', () => [
        { matches: [], verdict: { kind: 'jump', chain: 'KUBE-SERVICES' } },
      ]);
      assert.throws(() => traceConnection(circle, packet()), {
        code: 'netfilter.chain-loop',
        message: 'table nat: chain KUBE-SERVICES jumps back to itself',
      });
    });
  });
});

suite('createConnectionWalk', () => {
  test('many connections fall as the exact probabilities say', () => {
    const ruleSet = ruleSetOf(PODS);
    const walk = createConnectionWalk(ruleSet, createSeededRandom(3));
    const counts = new Map<string, number>();
    for (let connection = 0; connection < 3000; connection++) {
      const outcome = walk(packet());
      assert.equal(outcome.kind, 'dnat');
      if (outcome.kind === 'dnat') counts.set(outcome.address, (counts.get(outcome.address) ?? 0) + 1);
    }
    const expected = traceConnection(ruleSet, packet());
    const { pValue } = chiSquareTest(
      PODS.map((pod) => counts.get(pod) ?? 0),
      expected.map(({ probability }) => probability),
    );
    assert.ok(pValue > 0.001, `p = ${pValue}`);
  });

  test('tosses one coin per rule that asks for one, at the kernel’s threshold', () => {
    const third = 715_827_883 / 2 ** 31;
    const cases: readonly { coins: number[]; pod: number }[] = [
      { coins: [0], pod: 0 },
      { coins: [third - 2 ** -31], pod: 0 },
      { coins: [third, 0.499], pod: 1 },
      { coins: [0.999, 0.5], pod: 2 },
    ];
    for (const { coins, pod } of cases) {
      const left = [...coins];
      const outcome = createConnectionWalk(ruleSetOf(PODS), () => left.shift() ?? Number.NaN)(packet());
      assert.deepEqual(outcome, { kind: 'dnat', address: PODS[pod], port: 8000, masqueraded: false });
      assert.equal(left.length, 0);
    }
  });

  test('without endpoints every connection is rejected', () => {
    assert.deepEqual(createConnectionWalk(ruleSetOf([]), () => 0)(packet()), { kind: 'reject' });
  });
});
