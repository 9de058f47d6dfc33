/** What a policy may look at. The owner of the calls keeps `activeRequests` true. */
export interface Balanced {
  /** Calls under way on this endpoint, as seen by this process. */
  activeRequests: number;
  /** `ip:port`: what tells endpoints apart from one set to the next, for policies that must find them again. */
  readonly key?: string;
  /** Factor by which its load counts, from 1, for policies that go by it: calls that failed fast are not under way for long. */
  readonly handicap?: number;
}

/**
 * An immutable choice rule over a fixed set, replaced whole when the set changes. `pick` never blocks and never
 * allocates. `undefined` only when the set is empty.
 */
export interface Picker<T extends Balanced> {
  /**
   * @param hash of the call's key, a whole number from 0 to 2^32 - 1, for PASSTHROUGH as `hashOfEndpoint` gives it; policies
   *   that do not hash ignore it
   */
  pick(hash?: number): T | undefined;
}

/** Uniform in [0, 1). A seeded generator in tests, `Math.random` in production. */
export type Random = () => number;
