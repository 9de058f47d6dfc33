import type { PemSource } from '../api/static-credentials.ts';
import type { ExecPlugin } from '../api/exec-credentials.ts';

/** A file that says which API servers there are, and who we are to them (kubernetes.io, kubeconfig v1). Paths absolute. */
export interface Kubeconfig {
  readonly currentContext?: string;
  readonly contexts: ReadonlyMap<string, Entry<KubeContext>>;
  readonly clusters: ReadonlyMap<string, Entry<KubeCluster>>;
  readonly users: ReadonlyMap<string, Entry<KubeUser>>;
}

/**
 * Reads an entry. Not before it is asked for: what is wrong with a user of another context is nobody's business here
 * (client-go, tools/clientcmd: ConfirmUsable looks at the chosen context only).
 *
 * @throws ClusterError `KUBECONFIG_INVALID` with the file and the field
 */
export type Entry<T> = () => T;

export interface KubeContext {
  readonly cluster: string;
  readonly user: string;
}

export interface KubeCluster {
  readonly server: string;
  readonly ca?: PemSource;
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify: boolean;
  readonly proxyUrl?: string;
}

export interface KubeUser {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly clientCert?: PemSource;
  readonly clientKey?: PemSource;
  readonly exec?: KubeExec;
  /** The old way, which kubectl has given up too (removed in v1.26). */
  readonly authProvider?: string;
  readonly impersonate?: string;
}

export interface KubeExec extends ExecPlugin {
  readonly provideClusterInfo: boolean;
}
