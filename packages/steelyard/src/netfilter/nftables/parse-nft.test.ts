import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import type { Packet } from '../trace/packet.ts';
import { parseNft } from './parse-nft.ts';
import type { RuleSet } from '../compile/rule-set.ts';
import { traceConnection } from '../trace/trace-connection.ts';

const FAMILY = { family: 'ip', table: 'kube-proxy' };
const packet: Packet = { source: '10.80.1.1', destination: '10.97.211.12', port: 8000, protocol: 'TCP' };
const key = { concat: ['10.97.211.12', 'tcp', 8000] };
const chain = (name: string, hook: object = {}): object => ({ chain: { ...FAMILY, name, ...hook } });
const rule = (name: string, ...expr: readonly object[]): object => ({ rule: { ...FAMILY, chain: name, expr } });
const draw = (mod: number): object => ({ numgen: { mode: 'random', mod, offset: 0 } });
const fields = {
  concat: [
    { payload: { protocol: 'ip', field: 'daddr' } },
    { meta: { key: 'l4proto' } },
    { payload: { protocol: 'th', field: 'dport' } },
  ],
};

/** A table whose chain `service-x` has these rules. */
function dump(...rules: readonly object[]): string {
  return JSON.stringify({
    nftables: [
      { metainfo: { version: '1.0.6' } },
      { table: { family: 'ip', name: 'kube-proxy' } },
      chain('nat-prerouting', { type: 'nat', hook: 'prerouting', prio: -100, policy: 'accept' }),
      chain('services'),
      chain('service-x'),
      chain('endpoint-a'),
      chain('endpoint-b'),
      {
        map: {
          ...FAMILY,
          name: 'service-ips',
          type: ['ipv4_addr', 'inet_proto', 'inet_service'],
          map: 'verdict',
          elem: [[key, { goto: { target: 'service-x' } }]],
        },
      },
      rule('nat-prerouting', { jump: { target: 'services' } }),
      rule('services', { vmap: { key: fields, data: '@service-ips' } }),
      rule('endpoint-a', { dnat: { addr: '10.0.0.1', port: 80 } }),
      rule('endpoint-b', { counter: { packets: 1, bytes: 1 } }, { dnat: { addr: '10.0.0.2', port: 80 } }),
      ...rules,
    ],
  });
}

function sharesOf(text: string): Record<string, string> {
  const [ruleSet]: readonly (RuleSet | undefined)[] = parseNft(text).ruleSets;
  assert.ok(ruleSet !== undefined);
  return Object.fromEntries(
    traceConnection(ruleSet, packet).map((each) => [
      each.kind === 'dnat' ? `${each.address}:${each.port}` : each.kind,
      each.probability.toFixed(6),
    ]),
  );
}

const half = { '10.0.0.1:80': '0.500000', '10.0.0.2:80': '0.500000' };

suite('parseNft', () => {
  const shapes: readonly [string, string, Record<string, string>][] = [
    [
      'kube-proxy up to 1.35: a verdict map of chains',
      dump(
        rule('service-x', {
          vmap: {
            key: draw(2),
            data: {
              set: [
                [0, { goto: { target: 'endpoint-a' } }],
                [1, { goto: { target: 'endpoint-b' } }],
              ],
            },
          },
        }),
      ),
      half,
    ],
    [
      '1.36: a map of addresses and ports',
      dump(
        rule('service-x', {
          dnat: {
            family: 'ip',
            addr: {
              map: {
                key: draw(2),
                data: {
                  set: [
                    [0, { concat: ['10.0.0.1', 80] }],
                    [1, { concat: ['10.0.0.2', 80] }],
                  ],
                },
              },
            },
          },
        }),
      ),
      half,
    ],
    [
      '1.37: a single endpoint without a map',
      dump(rule('service-x', { dnat: { addr: '10.0.0.1', port: 80 } })),
      { '10.0.0.1:80': '1.000000' },
    ],
    [
      "people's weights as ranges",
      dump(
        rule('service-x', {
          vmap: {
            key: draw(4),
            data: {
              set: [
                [{ range: [0, 2] }, { goto: { target: 'endpoint-a' } }],
                [3, { goto: { target: 'endpoint-b' } }],
              ],
            },
          },
        }),
      ),
      { '10.0.0.1:80': '0.750000', '10.0.0.2:80': '0.250000' },
    ],
    [
      'the coin of iptables-nft',
      dump(
        rule(
          'service-x',
          { match: { op: '<', left: { '&': [{ meta: { key: 'random' } }, 2_147_483_647] }, right: 1_073_741_824 } },
          { xt: { type: 'match', name: 'comment' } },
          { jump: { target: 'endpoint-a' } },
        ),
        rule('service-x', { jump: { target: 'endpoint-b' } }),
      ),
      half,
    ],
    [
      'a condition that is not understood does not hold',
      dump(
        rule('service-x', { limit: { rate: 1 } }, { drop: null }),
        rule('service-x', { jump: { target: 'endpoint-a' } }),
      ),
      { '10.0.0.1:80': '1.000000' },
    ],
  ];
  for (const [name, text, expected] of shapes) test(name, () => assert.deepEqual(sharesOf(text), expected));

  test('tables of the family inet count for both families, in the order of their priorities', () => {
    const inet = { family: 'inet', table: 'guard' };
    const guard = [
      { chain: { ...inet, name: 'early', type: 'filter', hook: 'prerouting', prio: -300, policy: 'accept' } },
      {
        rule: {
          ...inet,
          chain: 'early',
          expr: [
            {
              match: {
                op: '==',
                left: { payload: { protocol: 'tcp', field: 'dport' } },
                right: { set: [8000, { range: [1, 5] }] },
              },
            },
            { drop: null },
          ],
        },
      },
    ];
    assert.deepEqual(sharesOf(dump(...guard, rule('service-x', { jump: { target: 'endpoint-a' } }))), {
      drop: '1.000000',
    });
    assert.equal(parseNft(dump(...guard)).ruleSets.length, 2);
  });

  test('a text that is cut off is read as far as it goes; another kind of text is named', () => {
    const text = dump(rule('service-x', { jump: { target: 'endpoint-a' } }));
    const { ruleSets, findings } = parseNft(text.slice(0, text.indexOf('"nat-prerouting","expr"')));
    assert.equal(ruleSets[0]?.tables['kube-proxy']?.has('services'), true);
    assert.match(JSON.stringify(findings), /ends in the middle/);
    assert.match(JSON.stringify(parseNft('table ip kube-proxy {\n').findings), /nft -j list ruleset/);
  });

  test('never throws, whatever the JSON says', () => {
    const text = dump(rule('service-x', { vmap: { key: draw(2), data: { set: [] } } }));
    fc.assert(
      fc.property(fc.nat(text.length), fc.constantFrom('', '"', '{', ']', 'null', '"x"', '9'), (at, part) => {
        assert.ok(Array.isArray(parseNft(text.slice(0, at) + part + text.slice(at + 3)).ruleSets));
      }),
      { seed: 3, numRuns: 300 },
    );
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            rule: fc.record({
              family: fc.constant('ip'),
              table: fc.string(),
              chain: fc.string(),
              expr: fc.array(fc.jsonValue()),
            }),
          }),
        ),
        (nftables) => {
          assert.equal(parseNft(JSON.stringify({ nftables })).ruleSets.length <= 1, true);
        },
      ),
      { seed: 4, numRuns: 200 },
    );
  });
});
