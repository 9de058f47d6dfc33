import { explainCall, type ExplainedCall, type RouteRequest } from '@steelyard/core/routing';
import type { SocketAddress } from '../../net-address.ts';
import type { CliContext } from '../cli-context.ts';
import type { ClientOptions } from '../options/client-options.ts';
import { EXIT } from '../exit-code.ts';
import { renderExplainedCall } from './explain-route-text.ts';
import { openSource } from '../open-source.ts';
import { readAdmin, type RunningProxy } from './read-admin.ts';
import { renderStructured } from '../render-output.ts';
import type { LogOptions, ManifestOptions, OutputFormat } from '../options/shared-options.ts';
import { UsageError } from '../usage-error.ts';

export interface ExplainRouteOptions extends ManifestOptions, LogOptions, ClientOptions {
  /** `-H 'name: value'`, repeatable. */
  readonly header?: readonly string[];
  /** Namespace of the caller; default that of `-n`. */
  readonly from?: string;
  /** A running proxy to ask instead of manifests. */
  readonly admin?: SocketAddress;
  readonly output: OutputFormat;
}

/** `HOST[:PORT]/package.Service/Method`, which no Service's name is. */
export function isCallTarget(target: string | undefined): target is string {
  return target !== undefined && /^[^/]+\/[^/]+\/[^/]+$/.test(target);
}

/**
 * What happens to a gRPC call, and why: the command's part for targets that name a method.
 *
 * @param given the options that were written on the command line, as `namespace`.
 */
export async function explainRoute(
  context: CliContext,
  target: string,
  options: ExplainRouteOptions,
  given: ReadonlySet<string>,
): Promise<void> {
  const { from = options.namespace } = options;
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(from)) {
    throw new UsageError(`--from ${from}: of a call, write the namespace of its caller`);
  }
  const request = parseCall(target, options.header ?? []);
  const own = { namespace: from, listenPort: portOf(target) };
  const { snapshot, live, routing = own } = await openState(context, { ...options, callersNamespace: from }, given);
  const explained = explainCall(snapshot, request, routing, live);
  context.stdout.write(
    options.output === 'table' ? renderExplainedCall(explained) : renderStructured(explained, options.output),
  );
  // An answer of "no": nobody can take the call.
  if (isLost(explained)) context.setExitCode(EXIT.no);
}

async function openState(
  context: CliContext,
  options: ExplainRouteOptions,
  given: ReadonlySet<string>,
): Promise<Pick<RunningProxy, 'snapshot'> & Partial<RunningProxy>> {
  const { admin } = options;
  if (admin !== undefined) {
    for (const [option, flag] of SOURCES) {
      if (given.has(option)) throw new UsageError(`give --admin or ${flag}, not both`);
    }
    for (const [option, flag] of OF_THE_PROXY) {
      if (given.has(option)) throw new UsageError(`${flag} has no effect with --admin: what the proxy was told holds`);
    }
    for (const [option, flag] of OF_SERVICES) {
      if (given.has(option)) throw new UsageError(`${flag} is for connections to a Service, and --admin is for calls`);
    }
    return readAdmin(admin);
  }
  const { source, showFindings } = await openSource(context, { ...options, watch: false });
  showFindings();
  source.close();
  return { snapshot: source.current };
}

/** Options that name something else to read, and how they are written. */
const SOURCES: ReadonlyMap<string, string> = new Map([
  ['filename', '-f'],
  ['kubeconfig', '--kubeconfig'],
  ['context', '--context'],
  ['as', '--as'],
  ['iptablesSave', '--iptables-save'],
  ['nft', '--nft'],
]);

/** Options for what a running proxy knows of its callers. */
const OF_THE_PROXY: ReadonlyMap<string, string> = new Map([
  ['from', '--from'],
  ['namespace', '-n'],
  ['clusterDomain', '--cluster-domain'],
  ['labels', '--labels'],
  ['locality', '--locality'],
  ['nodeName', '--node-name'],
  ['gateways', '--gateways'],
]);

const OF_SERVICES: ReadonlyMap<string, string> = new Map([
  ['connections', '--connections'],
  ['scaleTo', '--scale-to'],
  ['lang', '--lang'],
]);

function isLost({ outcome }: ExplainedCall): boolean {
  return outcome === 'failed';
}

/** A port that the authority leaves out is found by the Service's only one. */
function portOf(target: string): number {
  return Number(/:(?<port>\d{1,5})\//.exec(target)?.groups?.['port'] ?? 0);
}

function parseCall(target: string, lines: readonly string[]): RouteRequest {
  const slash = target.indexOf('/');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const { name, value = '' } = /^(?<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(?<value>.*)$/.exec(line)?.groups ?? {};
    if (name === undefined) throw new UsageError(`-H ${JSON.stringify(line)}: write NAME: VALUE, as "x-user: jason"`);
    const known = headers.get(name.toLowerCase());
    headers.set(name.toLowerCase(), known === undefined ? value : `${known},${value}`);
  }
  return {
    path: target.slice(slash),
    method: 'POST',
    scheme: 'http',
    authority: target.slice(0, slash),
    header: (name) => headers.get(name),
  };
}
