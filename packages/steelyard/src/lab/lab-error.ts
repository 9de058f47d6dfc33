/**
 * Something about the user's manifests, options or machine keeps the experiment from running: expected, one sentence,
 * says what to do. Anything else that is thrown here is a bug.
 */
export class LabError extends Error {
  override readonly name = 'LabError';
}
