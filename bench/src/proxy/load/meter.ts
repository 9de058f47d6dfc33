import { LatencyHistogram } from './latency-histogram.ts';
import type { LoadResult, Memory } from './load-command.ts';
import { processUsage, type ProcessUsage } from '../../process-usage.ts';

/** Counts calls and failures, and between {@link begin} and {@link end} the latencies and the CPU time of a process. */
export class Meter {
  readonly #pid: number;
  readonly #latencies = new LatencyHistogram();
  #calls = 0;
  #failures = 0;
  #firstFailure: string | null = null;
  #startedAt = 0;
  #before: ProcessUsage;

  constructor(pid: number) {
    this.#pid = pid;
    this.#before = processUsage(pid);
  }

  get failures(): number {
    return this.#failures;
  }

  reply(latencyMs: number): void {
    this.#calls++;
    this.#latencies.record(latencyMs);
  }

  /** Calls or messages that are not timed. */
  count(calls: number): void {
    this.#calls += calls;
  }

  fail(why: string): void {
    this.#failures++;
    this.#firstFailure ??= why;
  }

  /** What was counted before is forgotten, but not the failures: they void a measurement whenever they come. */
  begin(): void {
    this.#calls = 0;
    this.#latencies.clear();
    this.#before = processUsage(this.#pid);
    this.#startedAt = performance.now();
  }

  end(memory: Memory | null = null): LoadResult {
    const now = performance.now();
    const after = processUsage(this.#pid);
    const user = after.userTicks - this.#before.userTicks;
    const system = after.systemTicks - this.#before.systemTicks;
    return {
      calls: this.#calls,
      failures: this.#failures,
      firstFailure: this.#firstFailure,
      elapsedMs: now - this.#startedAt,
      cpuMicros: (after.cpuNanoseconds - this.#before.cpuNanoseconds) / 1000,
      systemShare: user + system > 0 ? system / (user + system) : 0,
      latency: this.#latencies.summary(),
      memory,
      from: performance.timeOrigin + this.#startedAt,
      to: performance.timeOrigin + now,
    };
  }
}
