import type { ActiveHealthCheck } from '../model/extensions.ts';

/**
 * What active checks have found of one endpoint. It takes calls until enough of them have failed: its readiness probe
 * vouches for it (Envoy, who has no such witness, waits for the first success).
 */
export class ProbeState {
  #state: 'unchecked' | 'healthy' | 'unhealthy' = 'unchecked';
  #against = 0;

  get state(): 'unchecked' | 'healthy' | 'unhealthy' {
    return this.#state;
  }

  get isUnhealthy(): boolean {
    return this.#state === 'unhealthy';
  }

  /** True when the endpoint goes or comes back for it. */
  record(passed: boolean, check: Pick<ActiveHealthCheck, 'healthyThreshold' | 'unhealthyThreshold'>): boolean {
    const found = passed ? 'healthy' : 'unhealthy';
    if (passed && this.#state === 'unchecked') this.#state = found;
    if (found === this.#state) {
      this.#against = 0;
      return false;
    }
    this.#against++;
    if (this.#against < (passed ? check.healthyThreshold : check.unhealthyThreshold)) return false;
    this.#against = 0;
    this.#state = found;
    return true;
  }
}
