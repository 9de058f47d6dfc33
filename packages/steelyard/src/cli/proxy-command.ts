import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { Snapshot } from '@steelyard/core/model';
import type { AddressedService } from '@steelyard/core/routing';
import { type Admin, startAdmin, startProxy } from '../proxy/index.ts';
import type { Logger } from '../log.ts';
import { type AccessLogOptions, addAccessLogOptions, openAccessLog } from './access-log-options.ts';
import type { CliContext } from './cli-context.ts';
import { addClientOptions, type ClientOptions } from './client-options.ts';
import { createCliLogger } from './cli-logger.ts';
import { describeSnapshot } from './describe-snapshot.ts';
import { openSource } from './open-source.ts';
import { parseDurationMs, parseSocketAddress, wholeNumber } from './option-values.ts';
import { formatAddress, type SocketAddress } from '../net-address.ts';
import { addConnectionOptions, type ConnectionOptions, connectionSettings } from './proxy-connection-options.ts';
import { addTlsOptions, openServerTls, openUpstreamTls, type TlsOptions } from './proxy-tls-options.ts';
import { findServiceName } from './service-name.ts';
import type { LogOptions, ManifestOptions } from './shared-options.ts';
import { addLogOptions, addManifestOptions } from './shared-options.ts';
import { aborted, watchStopSignals } from './stop-signal.ts';

/** Beyond this it is a mistake, not a machine. */
const MOST_WORKERS = 256;

interface ProxyCommandOptions
  extends ManifestOptions, LogOptions, TlsOptions, ConnectionOptions, ClientOptions, AccessLogOptions {
  readonly listen: SocketAddress;
  readonly service?: string;
  readonly admin?: SocketAddress;
  readonly workers: number;
  readonly drainTimeout: number;
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
      new Option('--drain-timeout <time>', 'for calls under way at the end, as 30s')
        .argParser(parseDurationMs)
        .default(30_000, '30s'),
    )
    .addOption(
      new Option(
        '--drain-delay <time>',
        'go on taking new connections for this long at the end, while /readyz already says no',
      )
        .argParser(parseDurationMs)
        .default(0, '0s'),
    )
    .addOption(
      new Option(
        '--admin <host:port>',
        'health, metrics and state over HTTP; it asks for no password, so keep it on 127.0.0.1 where you can',
      ).argParser(parseSocketAddress),
    )
    .addOption(
      new Option('--workers <count>', 'processes that the connections are spread over')
        .argParser(wholeNumber(1, MOST_WORKERS))
        .default(Math.min(availableParallelism(), MOST_WORKERS), 'one for each core'),
    );
  addAccessLogOptions(command);
  addConnectionOptions(command);
  addTlsOptions(command);
  addClientOptions(command);
  addManifestOptions(command);
  addLogOptions(command, 'info');
  command.action((options: ProxyCommandOptions) => proxy(context, options));
}

async function proxy(context: CliContext, options: ProxyCommandOptions): Promise<void> {
  const log = createCliLogger(context, options);
  const cleanUp: (() => unknown)[] = [];
  try {
    await serve(context, options, log, (close) => cleanUp.push(close));
  } finally {
    for (const close of cleanUp.toReversed()) await close();
  }
}

/** @param defer remembers what is to be closed at the end, in whichever way that comes. */
async function serve(
  context: CliContext,
  options: ProxyCommandOptions,
  log: Logger,
  defer: (close: () => unknown) => void,
): Promise<void> {
  const connections = connectionSettings(options);
  const accessLog = await openAccessLog(options, log);
  defer(() => accessLog?.sink.close());
  const tls = await openServerTls(options, log);
  defer(() => tls?.close());
  const upstreamTls = await openUpstreamTls(options, log);
  defer(() => upstreamTls?.close());
  const asked = new AbortController();
  // Before the first Snapshot, which may take its time: /readyz says no until then.
  const admin = await openAdmin(options, log, () => asked.abort());
  defer(() => admin?.close());
  const { source, showFindings } = await openSource(context, { ...options, watch: true });
  defer(() => source.close());
  // Only now, when there is something to end in order; until here a signal just ends the process.
  const signals = watchStopSignals();
  defer(() => signals.dispose());

  const running = await startProxy({
    snapshots: source,
    listen: options.listen,
    namespace: options.namespace,
    service: serviceOf(source.current, options),
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
    report: () => running.report(),
  });

  await aborted(AbortSignal.any([signals.first, asked.signal]));
  admin?.draining();
  running.leaving();
  await Promise.race([delay(options.drainDelay, undefined, { ref: false }), aborted(signals.second)]);
  log.info(`draining for at most ${options.drainTimeout / 1000} s; a second signal ends it at once`);
  await Promise.race([running.drain(options.drainTimeout), aborted(signals.second)]);
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
