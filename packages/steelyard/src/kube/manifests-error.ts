/**
 * - `MANIFESTS_NOT_FOUND`: a path is not there.
 * - `MANIFESTS_UNREADABLE`: a path is there but cannot be read.
 * - `MANIFESTS_EMPTY`: no path, or no manifest under the paths.
 * - `MANIFESTS_UNUSABLE`: manifests are there, but no Service among them can be used.
 * - `MANIFESTS_INVALID`: a manifest has an error, and the caller asked for none.
 */
export type ManifestsErrorCode =
  | 'MANIFESTS_NOT_FOUND'
  | 'MANIFESTS_UNREADABLE'
  | 'MANIFESTS_EMPTY'
  | 'MANIFESTS_UNUSABLE'
  | 'MANIFESTS_INVALID';

/** Manifests that cannot be started from. The message is one line and names the place. */
export class ManifestsError extends Error {
  override readonly name = 'ManifestsError';
  readonly code: ManifestsErrorCode;

  constructor(code: ManifestsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
