import { dirname, isAbsolute, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import type { PemSource } from '../api/static-credentials.ts';
import { ClusterError } from '../cluster-error.ts';
import { type Fields, fieldsOf } from '../untrusted.ts';
import type { Entry, Kubeconfig, KubeCluster, KubeContext, KubeExec, KubeUser } from './kubeconfig.ts';

const EXEC_VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];

/**
 * Reads a kubeconfig: what entries there are; each is read when it is asked for. Relative paths inside of it are relative to it.
 *
 * @throws ClusterError `KUBECONFIG_INVALID` with the file and the field
 */
export function parseKubeconfig(file: string, text: string): Kubeconfig {
  const root = fieldsOf(readYaml(file, text));
  if (root === undefined) throw invalid(file, 'it is no kubeconfig: a mapping with clusters, users and contexts');
  const reader = new Section(file, '', root);
  const kind = reader.text('kind');
  if (kind !== undefined && kind !== 'Config') throw invalid(file, `kind must be Config, not ${JSON.stringify(kind)}`);
  const currentContext = reader.text('current-context');
  return {
    ...(currentContext !== undefined && { currentContext }),
    contexts: named(reader, 'contexts', 'context', readContext),
    clusters: named(reader, 'clusters', 'cluster', readCluster),
    users: named(reader, 'users', 'user', readUser),
  };
}

function readYaml(file: string, text: string): unknown {
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) throw invalid(file, `not valid YAML: ${error.message.split('\n')[0] ?? ''}`);
  try {
    return document.toJS();
  } catch (thrown) {
    // An alias without its anchor, or aliases that multiply beyond bounds.
    throw invalid(file, `not valid YAML: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

function invalid(file: string, what: string): ClusterError {
  return new ClusterError('KUBECONFIG_INVALID', `${file}: ${what}`);
}

/** One mapping of the file, which knows where it stands. Empty texts are absent, as client-go has it. */
class Section {
  readonly #file: string;
  readonly #path: string;
  readonly #fields: Fields;

  constructor(file: string, path: string, fields: Fields) {
    this.#file = file;
    this.#path = path;
    this.#fields = fields;
  }

  fail(name: string, what: string): ClusterError {
    return invalid(this.#file, `${this.#path === '' ? name : `${this.#path}.${name}`} ${what}`);
  }

  text(name: string): string | undefined {
    const value = this.#fields[name] ?? undefined;
    if (value === undefined || value === '') return undefined;
    if (typeof value !== 'string') throw this.fail(name, 'must be a string; quote it');
    return value;
  }

  required(name: string): string {
    const text = this.text(name);
    if (text === undefined) throw this.fail(name, 'is missing; add it');
    return text;
  }

  flag(name: string): boolean {
    const value = this.#fields[name] ?? false;
    if (typeof value !== 'boolean') throw this.fail(name, 'must be true or false');
    return value;
  }

  section(name: string): Section | undefined {
    const value = this.#fields[name] ?? undefined;
    if (value === undefined) return undefined;
    const fields = fieldsOf(value);
    if (fields === undefined) throw this.fail(name, 'must be a mapping');
    return new Section(this.#file, this.#path === '' ? name : `${this.#path}.${name}`, fields);
  }

  sections(name: string): readonly Section[] {
    const value = this.#fields[name] ?? [];
    if (!Array.isArray(value)) throw this.fail(name, 'must be a list');
    return value.map((item: unknown, index) => {
      const fields = fieldsOf(item);
      if (fields === undefined) throw this.fail(`${name}[${index}]`, 'must be a mapping');
      return new Section(this.#file, `${this.#path === '' ? '' : `${this.#path}.`}${name}[${index}]`, fields);
    });
  }

  texts(name: string): readonly string[] {
    const value = this.#fields[name] ?? [];
    if (!Array.isArray(value)) throw this.fail(name, 'must be a list');
    return value.map((item: unknown, index) => {
      if (typeof item !== 'string') throw this.fail(`${name}[${index}]`, 'must be a string; quote it');
      return item;
    });
  }

  path(name: string): string | undefined {
    const text = this.text(name);
    return text === undefined || isAbsolute(text) ? text : resolve(dirname(this.#file), text);
  }

  /** `NAME-data` in base64, or else the file `NAME`; the data wins, as in client-go. */
  pem(name: string): PemSource | undefined {
    const data = this.text(`${name}-data`);
    if (data !== undefined) {
      const pem = Buffer.from(data, 'base64');
      if (!pem.includes('-----BEGIN ')) throw this.fail(`${name}-data`, 'must be PEM in base64');
      return { pem };
    }
    const file = this.path(name);
    return file === undefined ? undefined : { file };
  }
}

function named<T>(
  root: Section,
  list: string,
  field: string,
  read: (section: Section) => T,
): ReadonlyMap<string, Entry<T>> {
  const found = new Map<string, Entry<T>>();
  for (const entry of root.sections(list)) {
    const name = entry.required('name');
    // The first of a name holds, as with several files.
    if (found.has(name)) continue;
    found.set(name, () => {
      const section = entry.section(field);
      if (section === undefined) throw entry.fail(field, 'is missing; add it');
      return read(section);
    });
  }
  return found;
}

function readContext(section: Section): KubeContext {
  return { cluster: section.required('cluster'), user: section.text('user') ?? '' };
}

function readCluster(section: Section): KubeCluster {
  const server = section.required('server');
  if (!URL.canParse(server) || !/^https?:\/\//i.test(server)) {
    throw section.fail('server', `must be an address like https://HOST:PORT, not ${JSON.stringify(server)}`);
  }
  const ca = section.pem('certificate-authority');
  const tlsServerName = section.text('tls-server-name');
  const proxyUrl = section.text('proxy-url');
  return {
    server: server.replace(/\/+$/, ''),
    insecureSkipTlsVerify: section.flag('insecure-skip-tls-verify'),
    ...(ca !== undefined && { ca }),
    ...(tlsServerName !== undefined && { tlsServerName }),
    ...(proxyUrl !== undefined && { proxyUrl }),
  };
}

function readUser(section: Section): KubeUser {
  const clientCert = section.pem('client-certificate');
  const clientKey = section.pem('client-key');
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    const lacks = clientCert === undefined ? 'client-certificate' : 'client-key';
    throw section.fail(lacks, 'is missing: a client certificate and its key belong together');
  }
  const texts = {
    token: section.text('token'),
    tokenFile: section.path('tokenFile'),
    username: section.text('username'),
    password: section.text('password'),
    impersonate: section.text('as'),
    authProvider: section.section('auth-provider')?.text('name'),
  };
  const exec = section.section('exec');
  return {
    ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined)),
    ...(clientCert !== undefined && { clientCert }),
    ...(clientKey !== undefined && { clientKey }),
    ...(exec !== undefined && { exec: readExec(exec) }),
  };
}

function readExec(section: Section): KubeExec {
  const apiVersion = section.required('apiVersion');
  if (!EXEC_VERSIONS.includes(apiVersion)) {
    throw section.fail('apiVersion', `must be one of ${EXEC_VERSIONS.join(', ')}, not ${JSON.stringify(apiVersion)}`);
  }
  const command = section.required('command');
  const installHint = section.text('installHint');
  if (section.text('interactiveMode') === 'Always') {
    throw section.fail('interactiveMode', 'is Always, and nobody is there to answer; use a plugin that needs nobody');
  }
  return {
    apiVersion,
    // A path, unlike a name to be looked up, is relative to the file.
    command: command.includes('/') ? (section.path('command') ?? command) : command,
    args: section.texts('args'),
    env: Object.fromEntries(
      section.sections('env').map((entry) => [entry.required('name'), entry.text('value') ?? '']),
    ),
    provideClusterInfo: section.flag('provideClusterInfo'),
    ...(installHint !== undefined && { installHint }),
  };
}
