/**
 * - `KUBECONFIG_NOT_FOUND`, `KUBECONFIG_UNREADABLE`, `KUBECONFIG_INVALID`: the file that says where the API server is.
 * - `NOT_IN_CLUSTER`: no kubeconfig, and this process has no ServiceAccount.
 * - `CREDENTIALS_FAILED`: a token, certificate or credential plugin cannot be used.
 * - `API_FORBIDDEN`: the API server does not let this account read what nothing works without.
 * - `API_UNREACHABLE`: no answer in the time there was.
 */
export type ClusterErrorCode =
  | 'KUBECONFIG_NOT_FOUND'
  | 'KUBECONFIG_UNREADABLE'
  | 'KUBECONFIG_INVALID'
  | 'NOT_IN_CLUSTER'
  | 'CREDENTIALS_FAILED'
  | 'API_FORBIDDEN'
  | 'API_UNREACHABLE';

/** A cluster that cannot be started from. The message is one line and names the place. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly code: ClusterErrorCode;

  constructor(code: ClusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
