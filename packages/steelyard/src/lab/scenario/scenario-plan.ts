import type { Endpoint } from '@steelyard/core/model';
import { podKey } from '../lab-target.ts';
import type { Scenario } from './scenario.ts';
import { unknownScenario } from './scenario.ts';

/** A change of the pods, at a moment after the beginning. */
export interface PlanStep {
  readonly atMs: number;
  readonly added: readonly Endpoint[];
  /** No longer named by DNS, and told to end at the same moment: the hardest order for a caller. */
  readonly removed: readonly Endpoint[];
}

export interface ScenarioPlan {
  readonly old: readonly Endpoint[];
  /** Those that come later, all of them. */
  readonly fresh: readonly Endpoint[];
  readonly steps: readonly PlanStep[];
  readonly durationMs: number;
}

/** Before the first change: what is counted begins with an undisturbed picture. */
const QUIET_MS = 2000;
/** After the last caller should know: the picture it comes to. */
const AFTER_MS = 2000;
const GRACE_MS = 1000;
/** Between a new pod that is ready and the end of the old one. */
const OVERLAP_MS = 1000;

/** When what happens to which pod. `ttlMs` is for how long DNS answers are kept. */
export function planScenario(scenario: Scenario, old: readonly Endpoint[], ttlMs: number): ScenarioPlan {
  const fresh = newPods(old);
  switch (scenario) {
    case 'scale-up':
      return {
        old,
        fresh,
        steps: [{ atMs: QUIET_MS, added: fresh, removed: [] }],
        durationMs: QUIET_MS + ttlMs + GRACE_MS + AFTER_MS,
      };
    case 'rollout': {
      const eachMs = OVERLAP_MS + ttlMs;
      const steps = old.flatMap((gone, index): PlanStep[] => {
        const startMs = QUIET_MS + index * eachMs;
        const replacement = fresh[index];
        return [
          { atMs: startMs, added: replacement === undefined ? [] : [replacement], removed: [] },
          { atMs: startMs + OVERLAP_MS, added: [], removed: [gone] },
        ];
      });
      return { old, fresh, steps, durationMs: QUIET_MS + old.length * eachMs + GRACE_MS + AFTER_MS };
    }
    default:
      return unknownScenario(scenario);
  }
}

/** As many as there are, each at an address that is free: the next ones of an address that is taken. */
function newPods(old: readonly Endpoint[]): readonly Endpoint[] {
  const taken = new Set(old.map(podKey));
  return old.map((pod, index) => {
    let address = pod.address;
    do address = nextAddress(address);
    while (taken.has(podKey({ address, port: pod.port })));
    taken.add(podKey({ address, port: pod.port }));
    return { ...pod, address, podName: `new-${index + 1}` };
  });
}

function nextAddress(address: string): string {
  const separator = address.includes(':') ? ':' : '.';
  const parts = address.split(separator);
  const last = parts.at(-1) ?? '';
  const next =
    separator === '.'
      ? String((Number(last) % 254) + 1)
      : ((Number.parseInt(last === '' ? '0' : last, 16) % 0xfffe) + 1).toString(16);
  return [...parts.slice(0, -1), next].join(separator);
}
