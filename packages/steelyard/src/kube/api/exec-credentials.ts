import { execFile } from 'node:child_process';
import { ClusterError } from '../cluster-error.ts';
import { fieldsOf, textOf } from '../untrusted.ts';
import type { Credentials } from './cluster-access.ts';

/** `users[].user.exec` of a kubeconfig (client.authentication.k8s.io). */
export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What to say when the command is not there. */
  readonly installHint?: string;
  /** `spec.cluster` for plugins that ask for it. */
  readonly cluster?: Readonly<Record<string, unknown>>;
}

interface ExecCredential {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** A plugin that opens a browser and waits for somebody cannot be waited for without end. */
const TIMEOUT_MS = 60_000;
/** Got anew so long before they run out. */
const EARLY_MS = 10_000;

/** Credentials that a program prints, run again when they run out or are refused. */
export function execCredentials(plugin: ExecPlugin, nowEpochMs: () => number): Credentials {
  let current: Promise<ExecCredential> | undefined;
  const get = async (): Promise<ExecCredential> => {
    const before = current;
    const known = await before?.catch(() => undefined);
    if (known !== undefined && known.expiresAt - EARLY_MS > nowEpochMs()) return known;
    // Requests that come meanwhile wait for the same run.
    if (current === before) current = runPlugin(plugin);
    return current ?? runPlugin(plugin);
  };
  return {
    async headers(): Promise<Readonly<Record<string, string>>> {
      const { token } = await get();
      return token === undefined ? {} : { authorization: `Bearer ${token}` };
    },
    async tls() {
      const { cert, key } = await get();
      return cert === undefined || key === undefined ? {} : { cert, key };
    },
    invalidate() {
      current = undefined;
    },
  };
}

async function runPlugin(plugin: ExecPlugin): Promise<ExecCredential> {
  const { apiVersion, command, args, env, cluster } = plugin;
  const request = {
    apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, ...(cluster !== undefined && { cluster }) },
  };
  const output = await new Promise<string>((resolve, reject) => {
    const options = {
      env: { ...process.env, ...env, KUBERNETES_EXEC_INFO: JSON.stringify(request) },
      timeout: TIMEOUT_MS,
      maxBuffer: 1 << 20,
    };
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new ClusterError('CREDENTIALS_FAILED', explain(plugin, error, stderr), { cause: error }));
    }).stdin?.end();
  });
  return parseExecCredential(plugin, output);
}

function explain({ command, installHint }: ExecPlugin, error: Error, stderr: string): string {
  if ('code' in error && error.code === 'ENOENT') {
    const hint = installHint === undefined ? 'install it or put it on the PATH' : installHint;
    return `credential plugin ${command} is not there: ${oneLine(hint)}`;
  }
  return `credential plugin ${command} failed: ${oneLine(stderr) || oneLine(error.message)}`;
}

function parseExecCredential({ apiVersion, command }: ExecPlugin, output: string): ExecCredential {
  const fail = (what: string): ClusterError =>
    new ClusterError('CREDENTIALS_FAILED', `credential plugin ${command} ${what}`);
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch (error) {
    throw new ClusterError('CREDENTIALS_FAILED', `credential plugin ${command} printed no JSON`, { cause: error });
  }
  const credential = fieldsOf(value);
  if (credential?.['apiVersion'] !== apiVersion) {
    throw fail(`answered with apiVersion ${JSON.stringify(credential?.['apiVersion'])}, not ${apiVersion}`);
  }
  const status = fieldsOf(credential['status']);
  const token = textOf(status?.['token']);
  const cert = textOf(status?.['clientCertificateData']);
  const key = textOf(status?.['clientKeyData']);
  if ((cert === undefined) !== (key === undefined)) throw fail('gave one of a client certificate and its key only');
  if (token === undefined && cert === undefined) throw fail('gave neither a token nor a client certificate');
  const expiry = textOf(status?.['expirationTimestamp']);
  const expiresAt = expiry === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiry);
  if (Number.isNaN(expiresAt)) throw fail(`gave an expirationTimestamp that is no time: ${JSON.stringify(expiry)}`);
  return {
    expiresAt,
    ...(token !== undefined && { token }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ').slice(0, 300);
}
