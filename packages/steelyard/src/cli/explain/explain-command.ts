import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { SocketAddress } from '../../net-address.ts';
import type { DumpFinding, ParsedDump, RuleSet, ServiceAddress, ServiceExplanation } from '../../netfilter/index.ts';
import {
  compileRuleSet,
  explainService,
  parseIptablesSave,
  parseNft,
  serviceAddresses,
} from '../../netfilter/index.ts';
import type { CliContext } from '../cli-context.ts';
import { addClientOptions, type ClientOptions } from '../options/client-options.ts';
import { explainRoute, isCallTarget } from './explain-route.ts';
import type { Language } from './explain-words.ts';
import { EXPLAIN_WORDS, renderExplanation, renderWaysOut } from './explain-words.ts';
import { EXIT } from '../exit-code.ts';
import { openSource } from '../open-source.ts';
import { collect, parseSocketAddress, wholeNumber } from '../options/option-values.ts';
import { renderStructured } from '../render-output.ts';
import type { LogOptions, ManifestOptions, OutputFormat } from '../options/shared-options.ts';
import { addLogOptions, addManifestOptions, addOutputOption } from '../options/shared-options.ts';
import { UsageError } from '../usage-error.ts';

interface ExplainCommandOptions extends ManifestOptions, LogOptions, ClientOptions {
  readonly iptablesSave?: string;
  readonly nft?: string;
  readonly admin?: SocketAddress;
  readonly from?: string;
  readonly header?: readonly string[];
  readonly connections?: number;
  readonly scaleTo?: number;
  readonly lang?: Language;
  readonly output: OutputFormat;
}

/** Services that are explained in full when none is named; of more only their names. */
const MOST_IN_FULL = 10;

export function addExplainCommand(program: Command, context: CliContext): void {
  const command = program
    .command('explain')
    .summary('which pods a gRPC call, or a connection to a Service, gets and why')
    .description(
      'Of a call (HOST:PORT/pkg.Service/Method) says each decision of the proxy: route, subset, endpoints, policy. Of a ' +
        "Service follows a connection through a node's rules (a dump of them, or those that the manifests compile to) and " +
        'says which pod it gets with which chance, and what gRPC calls make of it.',
    )
    .argument(
      '[target]',
      'NAME.NAMESPACE[:PORT] or ADDRESS:PORT, default every Service found; HOST:PORT/pkg.Service/Method for a call',
    )
    .addOption(new Option('-H, --header <line>', "of the call, as 'x-user: jason' (repeatable)").argParser(collect))
    .option('--iptables-save <file>', 'what iptables-save printed (- for stdin)')
    .addOption(
      new Option(
        '--admin <host:port>',
        'ask a running proxy, instead of manifests: with its health and load',
      ).argParser(parseSocketAddress),
    )
    .option('--nft <file>', 'what nft -j list ruleset printed (- for stdin)')
    .option('--from <address>', 'the client, default a pod; of a call, the namespace of its caller')
    .option('--connections <count>', 'long-lived connections to say the spread for', wholeNumber(1, 100_000))
    .option('--scale-to <pods>', 'pods after a scale-up; default: twice as many', wholeNumber(1, 100_000))
    .addOption(new Option('--lang <language>', 'default: by the locale').choices(['en', 'zh']));
  addClientOptions(command);
  addManifestOptions(command);
  addOutputOption(command);
  addLogOptions(command, 'info');
  command.addHelpText('after', '\nExit codes: 0 there is a pod, 1 no pod is reached, 2 wrong usage or input.');
  command.action((target: string | undefined, options: ExplainCommandOptions) => {
    // The environment and defaults ask for nothing.
    const given = Object.keys(options).filter((name) => command.getOptionValueSource(name) === 'cli');
    return explain(context, target, options, new Set(given));
  });
}

async function explain(
  context: CliContext,
  target: string | undefined,
  options: ExplainCommandOptions,
  given: ReadonlySet<string>,
): Promise<void> {
  if (isCallTarget(target)) {
    await explainRoute(context, target, options, given);
    return;
  }
  const { from, admin } = options;
  if (admin !== undefined) throw new UsageError('--admin is for calls: name HOST:PORT/pkg.Service/Method');
  if (from !== undefined && isIP(from) === 0)
    throw new UsageError(`--from ${from}: write an IP address, as 10.244.1.5`);
  const dump = await readDump(context, options);
  const wanted = dump.ruleSets.flatMap((ruleSet) =>
    serviceAddresses(ruleSet)
      .filter((address) => isMeant(address, target, options.namespace))
      .map((address) => ({ ruleSet, address })),
  );
  const direct = wanted.length === 0 ? directTarget(dump.ruleSets, target) : undefined;
  const found = direct === undefined ? wanted : [direct];
  if (found.length === 0) throw new UsageError(`${target ?? dumpName(options)}: ${whatThereIs(dump)}`);
  // A name means the address that callers use, where there are several.
  const clusterIps = found.filter(({ address }) => address.kind === 'cluster IP' || address.kind === undefined);
  const chosen = clusterIps.length > 0 && target !== undefined ? clusterIps : found;
  const shown = target === undefined ? chosen.slice(0, MOST_IN_FULL) : chosen;
  const explained = shown.map(({ ruleSet, address }) => explainService(ruleSet, address, settings(options)));
  const left = chosen.slice(shown.length).map(({ address }) => address);
  context.stdout.write(
    options.output === 'table'
      ? renderText(explained, left, dump.findings, options.lang ?? localeLanguage())
      : renderStructured({ services: explained, others: left, findings: dump.findings }, options.output),
  );
  if (explained.every(({ pods }) => pods.length === 0)) context.setExitCode(EXIT.no);
}

function settings(options: ExplainCommandOptions): Parameters<typeof explainService>[2] {
  return {
    ...(options.from !== undefined && { source: options.from }),
    ...(options.connections !== undefined && { connections: [options.connections] }),
    ...(options.scaleTo !== undefined && { scaleTo: options.scaleTo }),
  };
}

async function readDump(context: CliContext, options: ExplainCommandOptions): Promise<ParsedDump> {
  const { iptablesSave, nft } = options;
  if (iptablesSave !== undefined && nft !== undefined) throw new UsageError('give --iptables-save or --nft, not both');
  if (iptablesSave !== undefined) return parseIptablesSave(await readText('--iptables-save', iptablesSave));
  if (nft !== undefined) return parseNft(await readText('--nft', nft));
  const { source, showFindings } = await openSource(context, { ...options, watch: false });
  showFindings();
  source.close();
  const families = ['IPv4', 'IPv6'] as const;
  return { ruleSets: families.map((family) => compileRuleSet(source.current, { family })), findings: [] };
}

async function readText(option: string, file: string): Promise<string> {
  try {
    return file === '-' ? await readAll(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${option} ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** `NAME`, `NAME.NS`, `NAME.NS:PORT` with a number or a name, longer DNS names, or `ADDRESS:PORT`. */
function isMeant({ name, address, port }: ServiceAddress, target: string | undefined, namespace: string): boolean {
  if (target === undefined) return true;
  if (target === `${address}:${port}` || target === `[${address}]:${port}`) return true;
  const parts = /^(?<svc>[^.:/]+)(?:\.(?<ns>[^.:/]+)(?:\.svc(?:\.[^:]*)?)?)?(?::(?<port>[^:/]+))?$/.exec(
    target,
  )?.groups;
  if (parts === undefined || name === undefined) return false;
  const [key = '', portName = ''] = name.split(':');
  if (key !== `${parts['ns'] ?? namespace}/${parts['svc']}`) return false;
  return parts['port'] === undefined || parts['port'] === String(port) || parts['port'] === portName;
}

/** An address that no rule takes care of is an answer too. */
function directTarget(
  ruleSets: readonly RuleSet[],
  target: string | undefined,
): { readonly ruleSet: RuleSet; readonly address: ServiceAddress } | undefined {
  const parts = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<v4>\d+\.\d+\.\d+\.\d+)):(?<port>\d{1,5})$/.exec(target ?? '')?.groups;
  const family = parts?.['v6'] === undefined ? 'IPv4' : 'IPv6';
  const ruleSet = ruleSets.find((each) => each.family === family) ?? ruleSets[0];
  if (parts === undefined || ruleSet === undefined) return undefined;
  const address = parts['v6'] ?? parts['v4'] ?? '';
  return { ruleSet, address: { family, address, port: Number(parts['port']), protocol: 'TCP' } };
}

/** What was read, for an error that has no target to name. */
function dumpName({ iptablesSave, nft, filename = [] }: ExplainCommandOptions): string {
  if (iptablesSave !== undefined) return `--iptables-save ${iptablesSave}`;
  return nft === undefined ? filename.join(', ') || 'the cluster' : `--nft ${nft}`;
}

function whatThereIs({ ruleSets, findings }: ParsedDump): string {
  const names = ruleSets.flatMap(serviceAddresses).map(({ name, address, port }) => name ?? `${address}:${port}`);
  const [first] = findings;
  if (names.length === 0) return `the rules send no address to pods${first === undefined ? '' : ` (${first.message})`}`;
  const more = names.length > 10 ? ` and ${names.length - 10} more` : '';
  return `no such Service in the rules; there is ${[...new Set(names)].slice(0, 10).join(', ')}${more}`;
}

function renderText(
  explained: readonly ServiceExplanation[],
  others: readonly ServiceAddress[],
  findings: readonly DumpFinding[],
  language: Language,
): string {
  const words = EXPLAIN_WORDS[language];
  const parts = explained.map((each) => renderExplanation(each, words));
  if (others.length > 0) {
    parts.push(`${others.map(({ name, address, port }) => `${name ?? ''} ${address}:${port}`.trim()).join('\n')}\n`);
  }
  const waysOut = renderWaysOut(explained, words);
  if (waysOut !== '') parts.push(waysOut);
  if (findings.length > 0) {
    const lines = findings.map(({ line, message }) => `  ${line === undefined ? '' : `${line}: `}${message}`);
    parts.push(`${[words.findings, ...lines].join('\n')}\n`);
  }
  return parts.join('\n');
}

/** POSIX: LC_ALL before LC_MESSAGES before LANG. */
function localeLanguage(): Language {
  const { LC_ALL, LC_MESSAGES, LANG } = process.env;
  const locale = [LC_ALL, LC_MESSAGES, LANG].find((value) => value !== undefined && value !== '') ?? '';
  return locale.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}
