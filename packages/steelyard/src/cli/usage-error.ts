/** What the user asked for cannot be done: one sentence with the place and what to do. Shown as it is, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
