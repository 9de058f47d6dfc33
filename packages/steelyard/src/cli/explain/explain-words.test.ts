import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ServiceExplanation } from '../../netfilter/index.ts';
import { EXPLAIN_WORDS, renderWaysOut } from './explain-words.ts';

const pod = (address: string) => ({ address, port: 8000, share: 0.5, masqueraded: false });

function explained(more: Partial<ServiceExplanation>): ServiceExplanation {
  return {
    family: 'IPv4',
    address: '10.96.0.1',
    port: 80,
    protocol: 'TCP',
    source: '10.1.0.9',
    pods: [pod('10.1.0.1'), pod('10.1.0.2')],
    rejected: 0,
    dropped: 0,
    passed: 0,
    spreads: [],
    unknown: [],
    policyDrops: false,
    ...more,
  };
}

/** What each way is told by. */
const NODE = /steelyard node/;
const ANNOTATED = /steelyard\.dev\/grpc/;
const OTHERS = [/steelyard proxy/, /dns:\/\/\//, /xds:\/\/\//, /max_connection_age/];

for (const language of ['en', 'zh'] as const) {
  const waysOf = (...all: readonly ServiceExplanation[]): string[] =>
    renderWaysOut(all, EXPLAIN_WORDS[language])
      .replaceAll(/\n {4}/g, ' ')
      .split('\n')
      .slice(1, -1);

  suite(`ways out, ${language}`, () => {
    const cases: readonly (readonly [name: string, all: readonly ServiceExplanation[], first: readonly RegExp[]])[] = [
      ['a cluster address', [explained({ kind: 'cluster IP' })], [NODE]],
      ['an address whose kind nobody tells', [explained({})], [NODE]],
      ['a load balancer is not for node mode', [explained({ kind: 'loadbalancer IP' })], []],
      ['UDP neither', [explained({ protocol: 'UDP' })], []],
      ['session affinity needs the annotation', [explained({ affinityClients: 100 })], [NODE, ANNOTATED]],
      ['one of several', [explained({ protocol: 'UDP' }), explained({}), explained({ affinityClients: 100 })], [NODE]],
    ];
    for (const [name, all, first] of cases) {
      test(name, () => {
        const ways = waysOf(...all);
        for (const pattern of first) assert.match(ways[0] ?? '', pattern);
        if (!first.includes(ANNOTATED)) assert.doesNotMatch(ways.join('\n'), ANNOTATED);
        const others = first.length === 0 ? ways : ways.slice(1);
        assert.equal(others.length, OTHERS.length);
        for (const [index, pattern] of OTHERS.entries()) assert.match(others[index] ?? '', pattern);
      });
    }

    test('nothing where there is nothing to choose', () => {
      assert.equal(renderWaysOut([explained({ pods: [pod('10.1.0.1')] })], EXPLAIN_WORDS[language]), '');
    });
  });
}
