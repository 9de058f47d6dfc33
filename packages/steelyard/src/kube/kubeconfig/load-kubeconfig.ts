import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import type { ClusterAccess, Credentials } from '../api/cluster-access.ts';
import { execCredentials } from '../api/exec-credentials.ts';
import { type PemSource, staticCredentials } from '../api/static-credentials.ts';
import { PROXY_SCHEMES } from '../api/proxy-tunnel.ts';
import { tokenFileCredentials } from '../api/token-file.ts';
import { ClusterError } from '../cluster-error.ts';
import type { Kubeconfig, KubeCluster, KubeUser } from './kubeconfig.ts';
import { parseKubeconfig } from './parse-kubeconfig.ts';

export interface KubeconfigChoice {
  /** Else the files of `KUBECONFIG`, else `~/.kube/config`. */
  readonly file?: string;
  /** Else the file's `current-context`. */
  readonly context?: string;
  /** Another user to act as (`kubectl --as`). */
  readonly impersonate?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The API server of a kubeconfig's context.
 *
 * @throws ClusterError
 */
export async function loadKubeconfig(choice: KubeconfigChoice, env: Environment): Promise<ClusterAccess> {
  const files = filesOf(choice, env);
  const config = await readAll(files, choice.file === undefined);
  const place = files.join(delimiter);
  const name = choice.context ?? config.currentContext;
  const fail = (what: string): ClusterError => new ClusterError('KUBECONFIG_INVALID', `${place}: ${what}`);
  if (name === undefined) throw fail('there is no current-context; choose one with --context NAME');
  const context = config.contexts.get(name)?.();
  if (context === undefined) throw fail(`there is no context "${name}"; there is ${listNames(config.contexts)}`);
  const cluster = config.clusters.get(context.cluster)?.();
  if (cluster === undefined) throw fail(`context "${name}" names cluster "${context.cluster}", which is not there`);
  const user = context.user === '' ? {} : config.users.get(context.user)?.();
  if (user === undefined) throw fail(`context "${name}" names user "${context.user}", which is not there`);
  const proxy = cluster.proxyUrl === undefined ? undefined : parseProxy(cluster.proxyUrl);
  if (proxy === null || (proxy !== undefined && !cluster.server.startsWith('https:'))) {
    const what = `cluster "${context.cluster}" has proxy-url "${cluster.proxyUrl ?? ''}"`;
    throw fail(`${what}; it must begin with http://, https:// or socks5://, and the server with https://`);
  }
  if (user.authProvider !== undefined) {
    throw fail(`user "${context.user}" has auth-provider ${user.authProvider}, which is no more; use an exec plugin`);
  }
  const ca = cluster.ca === undefined ? undefined : await readCa(cluster.ca);
  return {
    server: cluster.server,
    insecureSkipTlsVerify: cluster.insecureSkipTlsVerify,
    ...(proxy !== undefined && { proxy }),
    ...(ca !== undefined && { ca }),
    ...(cluster.tlsServerName !== undefined && { tlsServerName: cluster.tlsServerName }),
    credentials: withImpersonation(credentialsOf(user, cluster, ca), choice.impersonate ?? user.impersonate),
  };
}

function parseProxy(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && url.hostname !== '' && PROXY_SCHEMES.includes(url.protocol) ? url : null;
}

function filesOf({ file }: KubeconfigChoice, env: Environment): readonly string[] {
  if (file !== undefined) return [resolve(file)];
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  return listed.length > 0 ? listed.map((path) => resolve(path)) : [join(homedir(), '.kube', 'config')];
}

/** Several files are one, in which the first of a name holds (kubectl's rules); of a list some may be absent. */
async function readAll(files: readonly string[], mayLack: boolean): Promise<Kubeconfig> {
  const configs: Kubeconfig[] = [];
  for (const file of files) {
    try {
      configs.push(parseKubeconfig(file, await readFile(file, 'utf8')));
    } catch (error) {
      if (error instanceof ClusterError) throw error;
      const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (absent && mayLack && files.length > 1) continue;
      if (absent)
        throw new ClusterError('KUBECONFIG_NOT_FOUND', `${file}: there is no such kubeconfig`, { cause: error });
      const reason = error instanceof Error ? error.message : String(error);
      throw new ClusterError('KUBECONFIG_UNREADABLE', `${file}: cannot be read: ${reason}`, { cause: error });
    }
  }
  if (configs.length === 0) {
    throw new ClusterError('KUBECONFIG_NOT_FOUND', `${files.join(delimiter)}: none of these kubeconfigs is there`);
  }
  const reversed = configs.toReversed();
  const currentContext = configs.find((config) => config.currentContext !== undefined)?.currentContext;
  return {
    ...(currentContext !== undefined && { currentContext }),
    contexts: new Map(reversed.flatMap(({ contexts }) => [...contexts])),
    clusters: new Map(reversed.flatMap(({ clusters }) => [...clusters])),
    users: new Map(reversed.flatMap(({ users }) => [...users])),
  };
}

async function readCa(source: PemSource): Promise<Buffer> {
  if ('pem' in source) return source.pem;
  try {
    return await readFile(source.file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ClusterError('KUBECONFIG_UNREADABLE', `cannot read the certificate authority: ${reason}`, {
      cause: error,
    });
  }
}

/** What a user may have, the strongest first (client-go, tools/clientcmd: exec, then token file, then token, then basic). */
function credentialsOf(user: KubeUser, cluster: KubeCluster, ca: Buffer | undefined): Credentials {
  const { exec, clientCert, clientKey } = user;
  if (exec !== undefined) {
    const spec = {
      server: cluster.server,
      'insecure-skip-tls-verify': cluster.insecureSkipTlsVerify,
      ...(cluster.tlsServerName !== undefined && { 'tls-server-name': cluster.tlsServerName }),
      ...(ca !== undefined && { 'certificate-authority-data': ca.toString('base64') }),
    };
    return execCredentials({ ...exec, ...(exec.provideClusterInfo && { cluster: spec }) }, Date.now);
  }
  const certificate = staticCredentials({
    headers: staticHeaders(user),
    ...(clientCert !== undefined && { clientCert }),
    ...(clientKey !== undefined && { clientKey }),
  });
  if (user.tokenFile === undefined) return certificate;
  const file = tokenFileCredentials(user.tokenFile, () => performance.now());
  return { ...certificate, headers: () => file.headers(), invalidate: () => file.invalidate() };
}

function staticHeaders({ token, username, password }: KubeUser): Readonly<Record<string, string>> {
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  if (username === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` };
}

function withImpersonation(credentials: Credentials, user: string | undefined): Credentials {
  if (user === undefined) return credentials;
  return { ...credentials, headers: async () => ({ ...(await credentials.headers()), 'impersonate-user': user }) };
}

function listNames(map: ReadonlyMap<string, unknown>): string {
  return map.size === 0 ? 'none' : [...map.keys()].map((name) => `"${name}"`).join(', ');
}
