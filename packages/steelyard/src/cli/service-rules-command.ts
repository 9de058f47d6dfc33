import type { Command } from 'commander';
import { Option } from 'commander';
import type { IpFamily, Snapshot } from '@steelyard/core/model';
import type { RuleSet } from '../netfilter/index.ts';
import { compileRuleSet, renderIptables } from '../netfilter/index.ts';
import type { CliContext } from './cli-context.ts';
import { createCliLogger } from './cli-logger.ts';
import { openSource } from './open-source.ts';
import { parseCidr } from './option-values.ts';
import { renderStructured } from './render-output.ts';
import type { LogOptions, ManifestOptions, OutputFormat } from './shared-options.ts';
import { addLogOptions, addManifestOptions, addOutputOption } from './shared-options.ts';
import { UsageError } from './usage-error.ts';

interface ServiceRulesOptions extends ManifestOptions, LogOptions {
  readonly mode: 'iptables' | 'nftables';
  readonly family: IpFamily;
  readonly clusterCidr?: string;
  readonly masqueradeAll?: boolean;
  readonly print?: boolean;
  readonly apply?: boolean;
  readonly cleanup?: boolean;
  readonly output: OutputFormat;
}

export function addServiceRulesCommand(program: Command, context: CliContext): void {
  const command = program
    .command('service-rules')
    .summary("print the kernel's Service rules, as kube-proxy writes them")
    .description(
      "Compiles the manifests' Services to the rules that kube-proxy's iptables mode writes on every node, and prints " +
        'them in the form that iptables-restore reads.',
    )
    .addOption(new Option('--mode <mode>', 'whose rules').choices(['iptables', 'nftables']).default('iptables'))
    .option('--print', 'print them (what it does anyway)')
    .addOption(new Option('--family <family>', 'of addresses').choices(['IPv4', 'IPv6']).default('IPv4'))
    .addOption(
      new Option('--cluster-cidr <network>', "the Pods' network: masquerade what comes from outside").argParser(
        parseCidr,
      ),
    )
    .option('--masquerade-all', 'masquerade every connection to a ClusterIP')
    .addOption(new Option('--apply').hideHelp())
    .addOption(new Option('--cleanup').hideHelp());
  addManifestOptions(command);
  addOutputOption(command);
  addLogOptions(command, 'info');
  command.action((options: ServiceRulesOptions) => serviceRules(context, options));
}

async function serviceRules(context: CliContext, options: ServiceRulesOptions): Promise<void> {
  refuseWhatIsNotThere(options);
  const log = createCliLogger(context, options);
  const { source, showFindings } = await openSource(context, { ...options, watch: false });
  showFindings();
  source.close();
  const snapshot = source.current;
  const ruleSet = compileRuleSet(snapshot, {
    family: options.family,
    ...(options.clusterCidr === undefined ? {} : { localPods: { kind: 'network', network: options.clusterCidr } }),
    ...(options.masqueradeAll === undefined ? {} : { masqueradeAll: options.masqueradeAll }),
  });
  context.stdout.write(
    options.output === 'table'
      ? renderIptables(ruleSet, { builtInChains: true })
      : renderStructured(plainRuleSet(ruleSet), options.output),
  );
  const other: IpFamily = options.family === 'IPv4' ? 'IPv6' : 'IPv4';
  const others = countWithFamily(snapshot, other);
  if (others > 0) log.info(`${others} Services have an ${other} address too: print those rules with --family ${other}`);
}

function refuseWhatIsNotThere({ mode, apply, cleanup }: ServiceRulesOptions): void {
  if (mode === 'nftables') throw new UsageError('--mode nftables is not there yet: only iptables rules can be printed');
  if (apply === true) {
    throw new UsageError('--apply is not there yet: the rules can only be printed');
  }
  if (cleanup === true) throw new UsageError('--cleanup is not there yet: the rules can only be printed');
}

function countWithFamily({ services }: Snapshot, family: IpFamily): number {
  const ofFamily = (address: string): boolean => address.includes(':') === (family === 'IPv6');
  return [...services.values()].filter(({ service }) => service.clusterIps.some(ofFamily)).length;
}

/** Maps become lists, in their order. */
function plainRuleSet({ family, tables }: RuleSet): unknown {
  return {
    family,
    tables: Object.entries(tables).map(([name, chains]) => ({ name, chains: [...chains.values()] })),
  };
}
