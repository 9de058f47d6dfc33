import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { Option } from 'commander';
import { startDnsServer } from '../dns/index.ts';
import { renderKubeMetrics } from '../kube/index.ts';
import type { CliContext } from './cli-context.ts';
import { createCliLogger } from './cli-logger.ts';
import { describeSnapshot } from './describe-snapshot.ts';
import { formatAddress, type SocketAddress } from '../net-address.ts';
import { openSource } from './open-source.ts';
import { collect, parseDomain, parseSocketAddress, wholeNumber } from './options/option-values.ts';
import { resolveUpstreams, SYSTEM_RESOLV_CONF } from './resolve-upstreams.ts';
import type { LogOptions, ManifestOptions } from './options/shared-options.ts';
import { addLogOptions, addManifestOptions } from './options/shared-options.ts';
import { aborted, watchStopSignals } from './stop-signal.ts';

interface DnsCommandOptions extends ManifestOptions, LogOptions {
  readonly listen: SocketAddress;
  readonly zone?: string;
  readonly ttl: number;
  readonly admin?: SocketAddress;
  readonly workers: number;
  readonly forward?: readonly string[];
  readonly forwardCache: number;
  readonly rateLimit?: number;
  readonly queryLog?: boolean;
}

/** What the DNS room takes: an answer about pods that is older helps nobody. */
const MAX_TTL = 3600;
/** One socket gives no more to more of them. */
const DEFAULT_MOST_WORKERS = 4;
const MOST_WORKERS = 64;
/** What Kubernetes' installers write into a Corefile. */
const FORWARD_CACHE_SECONDS = 30;

export function addDnsCommand(program: Command, context: CliContext): void {
  const command = program
    .command('dns')
    .summary("answer for the cluster's names: ClusterIPs, and every pod of headless Services")
    .description(
      "The cluster's DNS over UDP and TCP: a Service's name has its ClusterIP, a headless Service's name all its ready " +
        'pods, in turning order. Follows the manifests when they change. Other names are asked for upstream.',
    )
    .addOption(
      new Option('--listen <host:port>', 'where to answer, UDP and TCP; port 0 takes a free one')
        .argParser(parseSocketAddress)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '--admin <host:port>',
        'where to answer /livez, /readyz and /metrics (and /health and /ready, as CoreDNS)',
      ).argParser(parseSocketAddress),
    )
    .addOption(
      new Option('--zone <domain>', 'the zone it answers for (default: the cluster domain)').argParser(parseDomain),
    )
    .addOption(new Option('--ttl <seconds>', 'how long an answer holds').argParser(wholeNumber(0, MAX_TTL)).default(5))
    .addOption(
      new Option('--workers <count>', 'processes that answer')
        .argParser(wholeNumber(1, MOST_WORKERS))
        .default(Math.min(availableParallelism(), DEFAULT_MOST_WORKERS), 'one for each core, up to 4'),
    )
    .addOption(
      new Option(
        '--forward <upstream>',
        'who is asked for other names: an address, HOST:PORT, a resolv.conf, or "off"; several times for several ' +
          `(default: ${SYSTEM_RESOLV_CONF})`,
      ).argParser(collect),
    )
    .addOption(
      new Option('--forward-cache <seconds>', "how long an upstream's answer is kept at most; 0 keeps none")
        .argParser(wholeNumber(0, 86_400))
        .default(FORWARD_CACHE_SECONDS),
    )
    .addOption(
      new Option(
        '--rate-limit <answers>',
        'answers a second by UDP to one network (/24, IPv6 /56); others are cut short or left out (default: no limit)',
      ).argParser(wholeNumber(1, 1_000_000_000)),
    )
    .option('--query-log', 'log every query');
  addManifestOptions(command);
  addLogOptions(command, 'info');
  command.action((options: DnsCommandOptions) => dns(context, options));
}

async function dns(context: CliContext, options: DnsCommandOptions): Promise<void> {
  const log = createCliLogger(context, options);
  const upstreams = await resolveUpstreams(options.forward, options.listen, log.forComponent('dns'));
  const zone = options.zone ?? options.clusterDomain;
  // The zone is the cluster's domain under another name: the names inside of it must say the same.
  const { source, showFindings } = await openSource(context, {
    ...options,
    clusterDomain: zone,
    watch: true,
    kinds: ['Service', 'EndpointSlice', 'Namespace'],
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
      ...(source.namespaces !== undefined && { namespaces: source.namespaces }),
      ...(options.admin !== undefined && { admin: options.admin }),
      moreMetrics: () => renderKubeMetrics(source.status()),
      workers: options.workers,
      ...(upstreams.length > 0 && { forward: { upstreams, cacheSeconds: options.forwardCache } }),
      ...(options.rateLimit !== undefined && { rateLimit: options.rateLimit }),
      queryLog: options.queryLog === true,
      log,
    });
    source.onProgrammed?.((changes) => {
      const now = Date.now();
      for (const { service, changedAtMs } of changes) {
        // As in CoreDNS: the addresses of the others do not follow the Pods.
        if (source.current.services.get(service)?.service.headless === true) {
          running.programmed(Math.max(0, now - changedAtMs) / 1000);
        }
      }
    });
    showFindings();
    const address = formatAddress(running.address);
    const known = source.synced ? describeSnapshot(source.current) : 'SERVFAIL until the API server has been heard';
    context.stdout.write(`steelyard dns answers for ${zone} on ${address}: ${known}\n`);
    const others = upstreams.length === 0 ? 'REFUSED' : `asked of ${upstreams.map(formatAddress).join(', ')}`;
    log.info(`other names are ${others}`);
    await aborted(signals.first);
    await running.close();
  } finally {
    source.close();
    signals.dispose();
  }
}
