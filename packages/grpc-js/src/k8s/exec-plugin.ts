import { execFile } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { TargetError } from '../targets/target-error.ts';
import { field, listField, textField } from './json.ts';

/** What a plugin knows of whoever asks. PEM; at least a token, or a certificate with its key. */
export interface PluginCredential {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** A command of the kubeconfig that knows the credentials, as the cloud tools have it. */
export interface ExecPlugin {
  /** Runs the command, unless what it said last still holds. @throws TargetError saying what went wrong */
  credential(): Promise<PluginCredential>;
  /** The API server would not have it: next time the command is run again. */
  forget(): void;
}

const VERSIONS: ReadonlySet<string> = new Set([
  'client.authentication.k8s.io/v1',
  'client.authentication.k8s.io/v1beta1',
]);
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT = 2 ** 20;
/** Asked for anew this long before it runs out: a watch that begins with it should not end at once. */
const EARLY_MS = 60_000;

/** What of a cluster a plugin may ask for (`provideClusterInfo`). */
type ClusterFields = Readonly<Record<string, unknown>>;

/**
 * The `exec` of a kubeconfig's user (client.authentication.k8s.io/v1; kubernetes.io/docs/reference/access-authn-authz/authentication,
 * "client-go credential plugins").
 *
 * @param path of the kubeconfig: a command with a slash is relative to it
 * @throws TargetError saying what is wrong with the configuration
 */
export function createExecPlugin(config: unknown, path: string, cluster: ClusterFields): ExecPlugin {
  const command = textField(config, 'command');
  const apiVersion = textField(config, 'apiVersion') ?? '';
  if (command === undefined) throw new TargetError(`${path}: exec has no command`);
  if (!VERSIONS.has(apiVersion)) {
    throw new TargetError(
      `${path}: exec has the apiVersion ${apiVersion || 'none'}; it must be ${[...VERSIONS].join(' or ')}`,
    );
  }
  if (textField(config, 'interactiveMode') === 'Always') {
    throw new TargetError(`${path}: exec wants a terminal (interactiveMode Always), which a server has not`);
  }
  const file = command.includes('/') ? resolve(dirname(path), command) : command;
  const args = listField(config, 'args').map(String);
  const variables = listField(config, 'env').map((each) => [
    textField(each, 'name') ?? '',
    textField(each, 'value') ?? '',
  ]);
  const spec = { interactive: false, ...(field(config, 'provideClusterInfo') === true && { cluster }) };
  const env = {
    ...process.env,
    ...Object.fromEntries(variables),
    KUBERNETES_EXEC_INFO: JSON.stringify({ apiVersion, kind: 'ExecCredential', spec }),
  };
  const hint = textField(config, 'installHint');
  const refuse = (what: string): TargetError =>
    new TargetError(`the exec plugin ${command} of ${path} ${what}${hint === undefined ? '' : ` (${hint})`}`);

  let known: { readonly credential: PluginCredential; readonly untilMs: number } | undefined;
  let running: Promise<PluginCredential> | undefined;
  const run = async (): Promise<PluginCredential> => {
    const printed = await output(file, args, env, refuse);
    const { credential, untilMs } = parseExecCredential(printed, refuse);
    known = { credential, untilMs };
    return credential;
  };
  return {
    async credential() {
      if (known !== undefined && Date.now() < known.untilMs) return known.credential;
      // Two watches that begin at once ask once.
      running ??= run().finally(() => (running = undefined));
      return running;
    },
    forget() {
      known = undefined;
    },
  };
}

function output(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  refuse: (what: string) => TargetError,
): Promise<string> {
  return new Promise((done, reject) => {
    const options = { env, timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT };
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      if (error === null) {
        done(stdout);
        return;
      }
      const said = stderr.trim().split('\n', 1)[0]?.slice(0, 200) ?? '';
      const why =
        error.code === 'ENOENT'
          ? 'is not installed'
          : error.killed === true
            ? `has not ended after ${TIMEOUT_MS / 1000} s`
            : `has failed with ${error.code ?? error.signal ?? error.message}`;
      reject(refuse(said === '' ? why : `${why}: ${said}`));
    });
    child.stdin?.end();
  });
}

function parseExecCredential(
  text: string,
  refuse: (what: string) => TargetError,
): { readonly credential: PluginCredential; readonly untilMs: number } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse('has printed no JSON');
  }
  const of = (name: string): string | undefined => textField(value, 'status', name);
  const [token, cert, key] = [of('token'), of('clientCertificateData'), of('clientKeyData')];
  if ((cert === undefined) !== (key === undefined))
    throw refuse('has printed a certificate without its key, or the reverse');
  if (token === undefined && cert === undefined) throw refuse('has printed neither a token nor a certificate');
  const expires = of('expirationTimestamp');
  const expiresMs = expires === undefined ? Infinity : Date.parse(expires);
  if (Number.isNaN(expiresMs)) throw refuse(`has printed the expirationTimestamp ${expires}, which is no time`);
  return {
    credential: {
      ...(token !== undefined && { token }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    },
    untilMs: expiresMs - EARLY_MS,
  };
}
