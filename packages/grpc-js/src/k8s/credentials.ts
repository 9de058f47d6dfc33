import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { TargetError } from '../targets/target-error.ts';
import type { ExecPlugin } from './exec-plugin.ts';
import { createExecPlugin } from './exec-plugin.ts';
import { field, listField, textField } from './json.ts';
import { parseKubeconfigText } from './parse-kubeconfig-text.ts';

/** Where the API server is and who asks. */
export interface ApiCredentials {
  readonly server: URL;
  /** PEM of the authorities it is to be trusted by; the machine's own where there is none. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly insecure?: boolean;
  /** Read anew for each request: the kubelet renews a service account's token about every hour. */
  readonly token?: () => string;
  /** In place of token, cert and key. */
  readonly exec?: ExecPlugin;
  /** Of targets that name none. */
  readonly namespace: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The Pod's service account inside a cluster, else the current context of `$KUBECONFIG` or `~/.kube/config`.
 *
 * @param kubeconfig a file that goes before both
 * @throws TargetError saying what is missing
 */
export function loadCredentials(
  environment: Environment,
  kubeconfig?: string,
  account: string = ACCOUNT,
): ApiCredentials {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = environment;
  if (kubeconfig === undefined && host !== undefined && host !== '') {
    const tokenFile = join(account, 'token');
    read(tokenFile, 'the service account has no token; set automountServiceAccountToken');
    return {
      server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
      ca: read(join(account, 'ca.crt'), 'the certificate of the API server cannot be read'),
      token: () => read(tokenFile, 'the service account has no token').trim(),
      namespace: read(join(account, 'namespace'), 'the namespace of the Pod cannot be read').trim(),
    };
  }
  const path = kubeconfig ?? environment['KUBECONFIG']?.split(':')[0] ?? join(homedir(), '.kube', 'config');
  return fromKubeconfig(path);
}

function fromKubeconfig(path: string): ApiCredentials {
  const text = read(path, 'there is no service account here, and no kubeconfig either');
  const config = parseKubeconfigText(text, path);
  const context = named(config, 'contexts', textField(config, 'current-context'), 'context', path);
  const cluster = named(config, 'clusters', textField(context, 'cluster'), 'cluster', path);
  const user = named(config, 'users', textField(context, 'user'), 'user', path);
  const server = textField(cluster, 'server');
  if (server === undefined || !URL.canParse(server)) throw new TargetError(`${path}: the cluster's server is no URL`);
  for (const unsupported of ['auth-provider', 'username']) {
    if (field(user, unsupported) !== undefined) {
      throw new TargetError(
        `${path}: the user has ${unsupported}; only token, tokenFile, client certificates and exec are read`,
      );
    }
  }
  const pem = (owner: unknown, name: string): string | undefined => {
    const data = textField(owner, `${name}-data`);
    if (data !== undefined) return Buffer.from(data, 'base64').toString();
    const file = textField(owner, name);
    return file && read(resolve(dirname(path), file), `${name} cannot be read`);
  };
  const ca = pem(cluster, 'certificate-authority');
  const cert = pem(user, 'client-certificate');
  const key = pem(user, 'client-key');
  const exec = field(user, 'exec');
  const insecure = field(cluster, 'insecure-skip-tls-verify') === true;
  const clusterInfo = {
    server,
    ...(ca !== undefined && { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
    ...(insecure && { 'insecure-skip-tls-verify': true }),
  };
  const token = textField(user, 'token');
  const tokenFile = textField(user, 'tokenFile');
  return {
    server: new URL(server),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(insecure && { insecure }),
    ...(exec !== undefined && exec !== null && { exec: createExecPlugin(exec, path, clusterInfo) }),
    ...(tokenFile !== undefined
      ? { token: () => read(resolve(dirname(path), tokenFile), 'the tokenFile cannot be read').trim() }
      : token !== undefined && { token: () => token }),
    namespace: textField(context, 'namespace') ?? 'default',
  };
}

function named(config: unknown, list: string, name: string | undefined, kind: string, path: string): unknown {
  if (name === undefined) throw new TargetError(`${path}: no ${kind} is chosen; set current-context`);
  const found = listField(config, list).find((entry) => textField(entry, 'name') === name);
  if (found === undefined) throw new TargetError(`${path}: there is no ${kind} ${name} among its ${list}`);
  return field(found, kind);
}

function read(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new TargetError(`${path}: ${otherwise} (${code})`);
  }
}
