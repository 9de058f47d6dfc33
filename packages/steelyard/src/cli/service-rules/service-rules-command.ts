import type { Command } from 'commander';
import { Option } from 'commander';
import type { IpFamily, Snapshot } from '@steelyard/core/model';
import type { RuleSet } from '../../netfilter/index.ts';
import { compileNftables, compileRuleSet, renderIptables, renderNftables } from '../../netfilter/index.ts';
import type { ApplyOptions } from './apply-service-rules.ts';
import { applyServiceRules, checkServiceRules, cleanUpServiceRules } from './apply-service-rules.ts';
import type { SocketAddress } from '../../net-address.ts';
import type { ClusterKind } from '../../kube/index.ts';
import type { CliContext } from '../cli-context.ts';
import { createCliLogger } from '../cli-logger.ts';
import { openSource } from '../open-source.ts';
import { parseCidr, parseDurationMs, parseSocketAddress } from '../options/option-values.ts';
import { renderStructured } from '../render-output.ts';
import type { ReadSettings, RuleSettings } from './rule-settings.ts';
import { readRuleSettings } from './rule-settings.ts';
import type { LogOptions, ManifestOptions, OutputFormat } from '../options/shared-options.ts';
import { addLogOptions, addManifestOptions, addOutputOption } from '../options/shared-options.ts';
import { UsageError } from '../usage-error.ts';

interface ServiceRulesOptions extends ManifestOptions, LogOptions, RuleSettings {
  readonly family: IpFamily;
  readonly print?: boolean;
  readonly apply?: boolean;
  readonly cleanup?: boolean;
  readonly dryRun?: boolean;
  readonly once?: boolean;
  readonly force?: boolean;
  readonly admin?: SocketAddress;
  readonly endTcpAfter?: number;
  readonly output: OutputFormat;
}

/** What shapes rules, and nothing else: a node's agent asks the API server for as little as it can. */
const KINDS: readonly ClusterKind[] = ['Service', 'EndpointSlice', 'Node', 'ServiceCIDR'];

export function addServiceRulesCommand(program: Command, context: CliContext): void {
  const command = program
    .command('service-rules')
    .summary("print or apply the kernel's Service rules, as kube-proxy writes them")
    .description(
      "Compiles the manifests' Services to the rules that kube-proxy writes on a node, and prints them in the form that " +
        'iptables-restore or nft reads, or writes them into the kernel and keeps them there.',
    )
    .addOption(
      new Option('--mode <mode>', 'whose rules; default: as --config says, or iptables').choices([
        'iptables',
        'nftables',
      ]),
    )
    .option('--print', 'print them (what it does anyway)')
    .option('--apply', 'write the rules of both families into the kernel, and follow the manifests')
    .option('--once', 'with --apply: write them and end')
    .option('--dry-run', "ask the kernel's own parser, and write nothing")
    .option('--cleanup', 'take them out of the kernel')
    .option('--force', 'also where a kube-proxy runs')
    .addOption(
      new Option('--admin <host:port>', 'with --apply: where to answer /healthz, /livez and /metrics').argParser(
        parseSocketAddress,
      ),
    )
    .addOption(
      new Option(
        '--end-tcp-after <duration>',
        'with --apply: end TCP connections to a pod so long after it stopped serving (default: leave them, as kube-proxy)',
      ).argParser(parseDurationMs),
    )
    .addOption(new Option('--family <family>', 'of addresses, to print').choices(['IPv4', 'IPv6']).default('IPv4'))
    .option('--node <name>', "whose rules: decides what is local; with --apply this machine's")
    .option('--config <file>', "kube-proxy's own configuration (KubeProxyConfiguration, v1alpha1)")
    .addOption(
      new Option('--cluster-cidr <network>', "the Pods' network: masquerade what comes from outside").argParser(
        parseCidr,
      ),
    )
    .option(
      '--affinity-sets',
      'iptables mode: keep the clients of sessionAffinity in ipsets, 65,536 for each endpoint instead of 100',
    )
    .option('--masquerade-all', 'masquerade every connection to a ClusterIP');
  addManifestOptions(command);
  addOutputOption(command);
  addLogOptions(command, 'info');
  command.action((options: ServiceRulesOptions) => serviceRules(context, options));
}

async function serviceRules(context: CliContext, options: ServiceRulesOptions): Promise<void> {
  const { apply = false, cleanup = false, dryRun = false, once = false, force = false } = options;
  for (const [name, value] of [
    ['--admin', options.admin],
    ['--end-tcp-after', options.endTcpAfter],
  ] as const) {
    if (value !== undefined && (!apply || once)) throw new UsageError(`${name} goes with --apply, without --once`);
  }
  const chosen = [apply && '--apply', cleanup && '--cleanup', dryRun && '--dry-run'].filter((each) => each !== false);
  if (chosen.length > 1) throw new UsageError(`${chosen.join(' and ')}: give one of them`);
  const log = createCliLogger(context, options);
  const settings = await readRuleSettings(options, apply || dryRun);
  if (cleanup) return cleanUpServiceRules(settings.mode, force, log);
  const opened = await openSource(context, { ...options, watch: apply && !once, kinds: KINDS });
  try {
    const { current } = opened.source;
    if (settings.nodeName !== undefined && current.nodes?.has(settings.nodeName) !== true) {
      log.info(`no Node ${settings.nodeName} among the objects: its zone, addresses and Pod networks are not known`);
    }
    if (apply) return await applyServiceRules(opened, settings, applyOptions(options), log);
    opened.showFindings();
    if (dryRun) {
      await checkServiceRules(opened, settings);
      log.info(`the kernel's parser takes the ${settings.mode} rules of both families; nothing is written`);
      return;
    }
    print(context, current, settings, options);
    const other: IpFamily = options.family === 'IPv4' ? 'IPv6' : 'IPv4';
    const others = countWithFamily(current, other);
    if (others > 0)
      log.info(`${others} Services have an ${other} address too: print those rules with --family ${other}`);
  } finally {
    opened.source.close();
  }
}

function applyOptions({ once = false, force = false, admin, endTcpAfter }: ServiceRulesOptions): ApplyOptions {
  return {
    once,
    force,
    ...(admin !== undefined && { admin }),
    ...(endTcpAfter !== undefined && { tcpGraceMs: endTcpAfter }),
  };
}

function print(context: CliContext, snapshot: Snapshot, settings: ReadSettings, options: ServiceRulesOptions): void {
  const { family, output } = options;
  const ruleOptions = settings.optionsFor(family, snapshot);
  const isIptables = settings.mode === 'iptables';
  const ruleSet = isIptables ? compileRuleSet(snapshot, ruleOptions) : compileNftables(snapshot, ruleOptions);
  if (output !== 'table') context.stdout.write(renderStructured(plainRuleSet(ruleSet), output));
  else if (isIptables) context.stdout.write(renderIptables(ruleSet, { builtInChains: true }));
  else context.stdout.write(renderNftables(ruleSet));
}

function countWithFamily({ services }: Snapshot, family: IpFamily): number {
  const ofFamily = (address: string): boolean => address.includes(':') === (family === 'IPv6');
  return [...services.values()].filter(({ service }) => service.clusterIps.some(ofFamily)).length;
}

/** Maps become lists, in their order. */
function plainRuleSet({ family, tables, hooks, sets }: RuleSet): unknown {
  return {
    family,
    tables: Object.entries(tables).map(([name, chains]) => ({ name, chains: [...chains.values()] })),
    ...(hooks !== undefined && { hooks }),
    ...(sets !== undefined && {
      sets: [...sets.values()].map((set) => ({
        ...set,
        elements: [...set.elements].map(([key, element]) => ({ key, ...element })),
      })),
    }),
  };
}
