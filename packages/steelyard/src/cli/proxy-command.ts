import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { Snapshot } from '@steelyard/core/model';
import type { AddressedService } from '@steelyard/core/routing';
import { type Admin, startAdmin, startProxy } from '../proxy/index.ts';
import { type Cleanup, createCleanup } from '../cleanup.ts';
import type { Logger } from '../log.ts';
import { openAccessLog } from './options/access-log-options.ts';
import type { CliContext } from './cli-context.ts';
import { addClientOptions, type ClientOptions } from './options/client-options.ts';
import { createCliLogger } from './cli-logger.ts';
import { describeSnapshot } from './describe-snapshot.ts';
import { openSource } from './open-source.ts';
import { parseDurationMs, parseSocketAddress } from './options/option-values.ts';
import { formatAddress, type SocketAddress } from '../net-address.ts';
import { connectionSettings } from './options/proxy-connection-options.ts';
import { addTlsOptions, openServerTls, openUpstreamTls, type TlsOptions } from './options/proxy-tls-options.ts';
import { findServiceName } from './options/service-name.ts';
import { addServingOptions, drainCalls, MOST_WORKERS, type ServingOptions } from './options/serving-options.ts';
import type { LogOptions, ManifestOptions } from './options/shared-options.ts';
import { addLogOptions, addManifestOptions } from './options/shared-options.ts';
import { aborted, watchStopSignals } from './stop-signal.ts';

interface ProxyCommandOptions extends ManifestOptions, LogOptions, TlsOptions, ClientOptions, ServingOptions {
  readonly listen: SocketAddress;
  readonly service?: string;
  readonly drainDelay: number;
}

export function addProxyCommand(program: Command, context: CliContext): void {
  const command = program
    .command('proxy')
    .summary('balance every gRPC call that comes in over the pods')
    .description(
      'An L7 proxy for gRPC: picks the Service by the :authority of each call, then the route, then a pod. Follows the ' +
        'manifests when they change. SIGTERM lets the calls under way finish.',
    )
    .addOption(
      new Option('--listen <host:port>', 'where callers connect; port 0 takes a free one')
        .argParser(parseSocketAddress)
        .makeOptionMandatory(),
    )
    .option('--service <name:port>', 'the Service meant by calls whose :authority names none: NAME.NAMESPACE:PORT')
    .addOption(
      new Option(
        '--drain-delay <time>',
        'go on taking new connections for this long at the end, while /readyz already says no',
      )
        .argParser(parseDurationMs)
        .default(0, '0s'),
    );
  addServingOptions(command, {
    adminNote: 'it asks for no password, so keep it on 127.0.0.1 where you can',
    workers: Math.min(availableParallelism(), MOST_WORKERS),
    workersText: 'one for each core',
  });
  addTlsOptions(command);
  addClientOptions(command);
  addManifestOptions(command);
  addLogOptions(command, 'info');
  command.action((options: ProxyCommandOptions) => proxy(context, options));
}

async function proxy(context: CliContext, options: ProxyCommandOptions): Promise<void> {
  const log = createCliLogger(context, options);
  const cleanup = createCleanup();
  try {
    await serve(context, options, log, cleanup);
  } finally {
    await cleanup.run();
  }
}

async function serve(context: CliContext, options: ProxyCommandOptions, log: Logger, cleanup: Cleanup): Promise<void> {
  const connections = connectionSettings(options);
  const accessLog = await openAccessLog(options, log);
  cleanup.defer(() => accessLog?.sink.close());
  const tls = await openServerTls(options, log);
  cleanup.defer(() => tls?.close());
  const upstreamTls = await openUpstreamTls(options, log);
  cleanup.defer(() => upstreamTls?.close());
  const asked = new AbortController();
  // Before the first Snapshot, which may take its time: /readyz says no until then.
  const admin = await openAdmin(options, log, () => asked.abort());
  cleanup.defer(() => admin?.close());
  const { source, showFindings } = await openSource(context, { ...options, watch: true });
  cleanup.defer(() => source.close());
  // Only now, when there is something to end in order; until here a signal just ends the process.
  const signals = watchStopSignals();
  cleanup.defer(() => signals.dispose());

  const { namespace } = options;
  const service = serviceOf(source.current, options);
  const running = await startProxy({
    snapshots: source,
    listen: options.listen,
    namespace,
    service,
    log,
    workers: options.workers,
    accessLog,
    tls,
    upstreamTls,
    connections,
  });
  showFindings();
  const address = formatAddress(running.address);
  context.stdout.write(`steelyard proxy listens on ${address}: ${describeSnapshot(source.current)}\n`);
  admin?.ready({
    get snapshot() {
      return source.current;
    },
    get workers() {
      return running.workers;
    },
    routing: { namespace, listenPort: running.address.port, ...(service !== undefined && { service }) },
    report: () => running.report(),
  });

  await aborted(AbortSignal.any([signals.first, asked.signal]));
  admin?.draining();
  running.leaving();
  await Promise.race([delay(options.drainDelay, undefined, { ref: false }), aborted(signals.second)]);
  await drainCalls(running, options, signals, log);
  await running.close();
}

async function openAdmin(
  { admin: listen }: ProxyCommandOptions,
  log: Logger,
  onDrain: () => void,
): Promise<Admin | undefined> {
  if (listen === undefined) return undefined;
  const admin = await startAdmin({ listen, log, onDrain });
  log.info(`the admin port is ${formatAddress(admin.address)}`);
  return admin;
}

function serviceOf(snapshot: Snapshot, { service, namespace }: ProxyCommandOptions): AddressedService | undefined {
  return service === undefined ? undefined : findServiceName(snapshot, service, namespace);
}
