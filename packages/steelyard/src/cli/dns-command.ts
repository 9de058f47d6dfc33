import type { Command } from 'commander';
import { Option } from 'commander';
import { startDnsServer } from '../dns/index.ts';
import { renderKubeMetrics } from '../kube/index.ts';
import type { CliContext } from './cli-context.ts';
import { createCliLogger } from './cli-logger.ts';
import { describeSnapshot } from './describe-snapshot.ts';
import { formatAddress, type SocketAddress } from '../net-address.ts';
import { openSource } from './open-source.ts';
import { parseDomain, parseSocketAddress, wholeNumber } from './option-values.ts';
import type { LogOptions, ManifestOptions } from './shared-options.ts';
import { addLogOptions, addManifestOptions } from './shared-options.ts';
import { aborted, watchStopSignals } from './stop-signal.ts';

interface DnsCommandOptions extends ManifestOptions, LogOptions {
  readonly listen: SocketAddress;
  readonly zone?: string;
  readonly ttl: number;
  readonly admin?: SocketAddress;
}

/** What the DNS room takes: an answer about pods that is older helps nobody. */
const MAX_TTL = 3600;

export function addDnsCommand(program: Command, context: CliContext): void {
  const command = program
    .command('dns')
    .summary("answer for the cluster's names: ClusterIPs, and every pod of headless Services")
    .description(
      "The cluster's DNS over UDP and TCP: a Service's name has its ClusterIP, a headless Service's name all its ready " +
        'pods, in turning order. Follows the manifests when they change.',
    )
    .addOption(
      new Option('--listen <host:port>', 'where to answer, UDP and TCP; port 0 takes a free one')
        .argParser(parseSocketAddress)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--admin <host:port>', 'where to answer /health, /ready and /metrics').argParser(parseSocketAddress),
    )
    .addOption(
      new Option('--zone <domain>', 'the zone it answers for (default: the cluster domain)').argParser(parseDomain),
    )
    .addOption(new Option('--ttl <seconds>', 'how long an answer holds').argParser(wholeNumber(0, MAX_TTL)).default(5));
  addManifestOptions(command);
  addLogOptions(command, 'info');
  command.action((options: DnsCommandOptions) => dns(context, options));
}

async function dns(context: CliContext, options: DnsCommandOptions): Promise<void> {
  const log = createCliLogger(context, options);
  const zone = options.zone ?? options.clusterDomain;
  // The zone is the cluster's domain under another name: the names inside of it must say the same.
  const { source, showFindings } = await openSource(context, {
    ...options,
    clusterDomain: zone,
    watch: true,
    kinds: ['Service', 'EndpointSlice'],
    early: true,
  });
  const signals = watchStopSignals();
  try {
    const running = await startDnsServer({
      snapshots: source,
      listen: options.listen,
      zone,
      ttlSeconds: options.ttl,
      random: Math.random,
      ready: () => source.synced,
      ...(options.admin !== undefined && { admin: options.admin }),
      moreMetrics: () => renderKubeMetrics(source.status()),
      log,
    });
    showFindings();
    const address = formatAddress(running.address);
    const known = source.synced ? describeSnapshot(source.current) : 'SERVFAIL until the API server has been heard';
    context.stdout.write(`steelyard dns answers for ${zone} on ${address}: ${known}\n`);
    await aborted(signals.first);
    await running.close();
  } finally {
    source.close();
    signals.dispose();
  }
}
