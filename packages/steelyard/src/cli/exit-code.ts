/** A contract: scripts rely on these. */
export const EXIT = {
  fine: 0,
  /** The answer is "no": a spread off its expectation, calls that failed. */
  no: 1,
  /** Wrong usage, or input that cannot be used. */
  usage: 2,
  /** A fault of ours (sysexits.h EX_SOFTWARE). */
  bug: 70,
} as const;
