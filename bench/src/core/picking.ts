import { type Balanced, createClusterPicker, createPicker } from '@steelyard/core/balance';
import type { LoadBalancerPolicy, LocalityGroup } from '@steelyard/core/model';
import { median } from '../statistics.ts';
import { cpuMs, type Row } from './report.ts';

const KEY = { kind: 'header', name: 'x' } as const;

const POLICIES: readonly LoadBalancerPolicy[] = [
  { kind: 'RANDOM' },
  { kind: 'ROUND_ROBIN' },
  { kind: 'LEAST_REQUEST', choiceCount: 2 },
  { kind: 'RING_HASH', minimumRingSize: 1024, key: KEY },
  { kind: 'MAGLEV', tableSize: 65_537, key: KEY },
  { kind: 'PASSTHROUGH' },
];

const ZONES = ['r/a/', 'r/b/', 'r/c/'];

interface Pod extends Balanced {
  readonly key: string;
}

/** The cost of a pick, and of a new picker when one endpoint has gone. */
export function measurePicking(endpoints: number, picks: number): readonly Row[] {
  const pods = Array.from({ length: endpoints }, (_, index): Pod => {
    return { key: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:8000`, activeRequests: 0 };
  });
  return POLICIES.flatMap((policy): Row[] => {
    const picker = createPicker(policy, pods, Math.random);
    const times: number[] = [];
    for (let round = 0; round < 5; round++) {
      const began = cpuMs();
      for (let pick = 0; pick < picks; pick++) picker.pick(Math.imul(pick, 0x9e3779b1) >>> 0);
      times.push(((cpuMs() - began) * 1e6) / picks);
    }
    const updates = medianOfUpdates((gone) => {
      const left = pods.toSpliced(gone, 1);
      return () => createPicker(policy, left, Math.random, picker);
    });
    const cluster = { loadBalancer: policy, localities: inZones(endpoints) };
    const inUse: readonly (Pod | undefined)[] = pods;
    const zoned = createClusterPicker(cluster, inUse, Math.random);
    const zonedUpdates = medianOfUpdates((gone) => {
      const left = inUse.with(gone, undefined);
      return () => createClusterPicker(cluster, left, Math.random, undefined, zoned);
    });
    return [
      { what: `${policy.kind} of ${endpoints}: a pick`, value: median(times), unit: 'ns', bar: 1000 },
      { what: `${policy.kind} of ${endpoints}: one endpoint goes`, value: updates, unit: 'ms' },
      { what: `${policy.kind} of ${endpoints} in 3 zones: one endpoint goes`, value: zonedUpdates, unit: 'ms' },
    ];
  });
}

/** Milliseconds of CPU time. @param prepare an endpoint's going, and what is to be timed of it */
function medianOfUpdates(prepare: (gone: number) => () => unknown): number {
  const times = Array.from({ length: 25 }, (_, gone) => {
    const update = prepare(gone);
    const began = cpuMs();
    update();
    return cpuMs() - began;
  });
  return median(times);
}

function inZones(endpoints: number): readonly LocalityGroup[] {
  const indexes = Array.from({ length: endpoints }, (_, index) => index);
  return ZONES.map((locality, zone) => ({
    locality,
    priority: 0,
    weight: 1,
    members: indexes.filter((index) => index % ZONES.length === zone),
  }));
}
