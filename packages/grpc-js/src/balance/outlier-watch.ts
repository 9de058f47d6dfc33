import type { Random } from '@steelyard/core/balance';
import type { OutlierDetectionOptions } from '@steelyard/core/health';
import { OutlierDetector } from '@steelyard/core/health';
import type { Clock } from '../clock.ts';
import type { CallOutcome } from './call-outcome.ts';
import type { EndpointChild } from './endpoint-child.ts';

type Ejection = 'ejected' | 'returned';

/** Outlier detection over the endpoints of a channel, with its timer. */
export class OutlierWatch {
  readonly #children: ReadonlyMap<string, EndpointChild>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #onEjections: (changes: readonly (readonly [EndpointChild, Ejection])[]) => void;
  #detector: OutlierDetector | undefined;
  #cancel: () => void = () => undefined;

  /** @param onEjections who was taken out or let back in, after it was */
  constructor(
    children: ReadonlyMap<string, EndpointChild>,
    clock: Clock,
    random: Random,
    onEjections: (changes: readonly (readonly [EndpointChild, Ejection])[]) => void,
  ) {
    this.#children = children;
    this.#clock = clock;
    this.#random = random;
    this.#onEjections = onEjections;
  }

  /** `undefined`: nobody is judged any more, and all are let back in. */
  configure(options: OutlierDetectionOptions | undefined): void {
    this.stop();
    this.#detector = undefined;
    if (options === undefined) {
      for (const { health } of this.#children.values()) health.ejectedAtMs = undefined;
      return;
    }
    const detector = new OutlierDetector(options, this.#random);
    this.#detector = detector;
    for (const { health } of this.#children.values()) detector.add(health);
    const sweep = (): void => {
      this.#cancel = this.#clock.setTimer(sweep, options.intervalMs);
      const before = this.#ejected();
      if (!detector.sweep(this.#clock.now())) return;
      const after = this.#ejected();
      this.#onEjections([
        ...after.filter((child) => !before.includes(child)).map((child) => [child, 'ejected'] as const),
        ...before.filter((child) => !after.includes(child)).map((child) => [child, 'returned'] as const),
      ]);
    };
    this.#cancel = this.#clock.setTimer(sweep, options.intervalMs);
  }

  stop(): void {
    this.#cancel();
  }

  add(child: EndpointChild): void {
    this.#detector?.add(child.health);
  }

  delete(child: EndpointChild): void {
    this.#detector?.delete(child.health);
  }

  record(child: EndpointChild, outcome: CallOutcome): void {
    if (this.#detector === undefined || outcome === 'abandoned') return;
    if (this.#detector.record(child.health, outcome === 'bad', this.#clock.now()))
      this.#onEjections([[child, 'ejected']]);
  }

  #ejected(): readonly EndpointChild[] {
    return [...this.#children.values()].filter(({ health }) => health.ejectedAtMs !== undefined);
  }
}
