import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClusterError } from '../cluster-error.ts';
import type { ClusterAccess } from './cluster-access.ts';
import { tokenFileCredentials } from './token-file.ts';

/** Where the kubelet puts the ServiceAccount of a Pod. */
const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether this process runs in a Pod that is told where its API server is. */
export function isInCluster(env: Environment): boolean {
  return (env['KUBERNETES_SERVICE_HOST'] ?? '') !== '' && (env['KUBERNETES_SERVICE_PORT'] ?? '') !== '';
}

/**
 * The ServiceAccount of this Pod.
 *
 * @throws ClusterError when there is none
 */
export async function loadInCluster(env: Environment, folder: string = ACCOUNT_FOLDER): Promise<ClusterAccess> {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '';
  if (!isInCluster(env)) {
    throw new ClusterError(
      'NOT_IN_CLUSTER',
      'not in a cluster: KUBERNETES_SERVICE_HOST is not set; give --kubeconfig FILE',
    );
  }
  const ca = await readFile(join(folder, 'ca.crt')).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `this Pod has no ServiceAccount mounted (automountServiceAccountToken?): ${reason}`;
    throw new ClusterError('NOT_IN_CLUSTER', message, { cause: error });
  });
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca,
    insecureSkipTlsVerify: false,
    credentials: tokenFileCredentials(join(folder, 'token'), () => performance.now()),
  };
}
