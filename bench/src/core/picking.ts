import { type Balanced, createPicker } from '@steelyard/core/balance';
import type { LoadBalancerPolicy } from '@steelyard/core/model';
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
    const updates = Array.from({ length: 25 }, (_, gone) => {
      const left = pods.toSpliced(gone, 1);
      const began = cpuMs();
      createPicker(policy, left, Math.random, picker);
      return cpuMs() - began;
    });
    return [
      { what: `${policy.kind} of ${endpoints}: a pick`, value: median(times), unit: 'ns', bar: 1000 },
      { what: `${policy.kind} of ${endpoints}: one endpoint goes`, value: median(updates), unit: 'ms' },
    ];
  });
}
