import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CompilerOptions } from '@steelyard/core/compile';
import { named, startRules, whoAnswers } from './proxy-rules.test-bed.ts';

const pods = ['z1', 'z1', 'z2', 'z3'].map((zone, index) => ({ behaviour: named(`${zone}-${index}`), zone }));
const ALL = ['z1-0', 'z1-1', 'z2-2', 'z3-3'];
const outlierDetection = { consecutive5xxErrors: 5 };
const policy = (localityLbSetting: object, more: object = {}): object => ({
  loadBalancer: { simple: 'RANDOM', localityLbSetting },
  ...more,
});
const at = (region: string, zone: string): CompilerOptions => ({ clientLocality: { region, zone, subzone: '' } });

const CASES: readonly [string, object, CompilerOptions, readonly string[]][] = [
  ['the near ones, where failures are watched', policy({}, { outlierDetection }), at('r', 'z1'), ['z1-0', 'z1-1']],
  ['all, where nothing watches for failures', policy({}), at('r', 'z1'), ALL],
  ['all, where the place of the proxy is not known', policy({}, { outlierDetection }), {}, ALL],
  ['all, where there is none near', policy({}, { outlierDetection }), at('r', 'z4'), ALL],
  ['all, when it is turned off', policy({ enabled: false }, { outlierDetection }), at('r', 'z1'), ALL],
];

async function answersOf(trafficPolicy: object, client: CompilerOptions, count: number): Promise<readonly string[]> {
  const { caller, findings } = await startRules({ pods, trafficPolicy, client });
  assert.deepEqual(
    findings.filter(({ path }) => path?.includes('LbSetting')),
    [],
  );
  return whoAnswers(
    caller,
    Array.from({ length: count }, () => ({})),
  );
}

describe('localityLbSetting: calls go to', () => {
  for (const [why, trafficPolicy, client, expected] of CASES) {
    test(why, async () => {
      assert.deepEqual([...new Set(await answersOf(trafficPolicy, client, 64))].toSorted(), expected);
    });
  }

  test('each place its weight, by distribute', async () => {
    const distribute = [{ from: 'r/z1/*', to: { 'r/z1/*': 20, 'r/z3/*': 80 } }];
    const answers = await answersOf(policy({ distribute }), at('r', 'z1'), 400);
    assert.deepEqual([...new Set(answers)].toSorted(), ['z1-0', 'z1-1', 'z3-3']);
    const far = answers.filter((name) => name === 'z3-3').length;
    // 320 expected, standard deviation 8
    assert.ok(far > 280 && far < 360, `${far} of 400 in z3`);
  });
});

describe('zoneAwareLbSetting: calls', () => {
  const by = (zoneAwareLbSetting: object, more: object = {}): object => ({
    loadBalancer: { simple: 'RANDOM', zoneAwareLbSetting, ...more },
  });
  for (const [why, trafficPolicy, client, expected] of [
    ['stay in the zone that has its part', by({ minClusterSize: 4 }), at('r', 'z1'), ['z1-0', 'z1-1']],
    ['go everywhere in a region that is too small', by({}), at('r', 'z1'), ALL],
    ['go everywhere from a zone without endpoints', by({ minClusterSize: 1 }), at('r', 'z4'), ALL],
    ['go everywhere when it is turned off', by({ enabled: false, minClusterSize: 1 }), at('r', 'z1'), ALL],
  ] as const) {
    test(why, async () => {
      assert.deepEqual([...new Set(await answersOf(trafficPolicy, client, 64))].toSorted(), expected);
    });
  }

  test('overflow to where there is room', async () => {
    const answers = await answersOf(by({ minClusterSize: 4 }), at('r', 'z3'), 400);
    // A third of the callers and a quarter of the endpoints: three quarters stay, and z1 alone has more than its part.
    const home = answers.filter((name) => name === 'z3-3').length;
    assert.ok(home > 260 && home < 340, `${home} of 400 at home`);
    assert.deepEqual([...new Set(answers)].toSorted(), ['z1-0', 'z1-1', 'z3-3']);
  });
});

describe('sourceLabels are compared with the labels of the proxy', () => {
  const http = [
    { match: [{ sourceLabels: { app: 'web' } }], directResponse: { status: 403 } },
    { route: [{ destination: { host: 'backend' } }] },
  ];
  for (const [labels, expected] of [
    [{ app: 'web', tier: 'front' }, '7'],
    [{ app: 'job' }, '0'],
    [{}, '0'],
  ] as const) {
    test(`${JSON.stringify(labels)}: status ${expected}`, async () => {
      const { caller, findings } = await startRules({ pods, http, client: { clientLabels: labels } });
      // Without any the proxy may just not have been told (`callers-unknown`).
      const codes = Object.keys(labels).length === 0 ? ['callers-unknown'] : [];
      assert.deepEqual(
        findings.map(({ code }) => code),
        codes,
      );
      assert.equal((await caller.call('x')).headers['grpc-status'], expected);
    });
  }
});
