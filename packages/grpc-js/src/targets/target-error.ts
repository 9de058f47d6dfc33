/** What is wrong with a target, and what to write instead: one sentence, for the status of the calls. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
}
