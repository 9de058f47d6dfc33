import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { Snapshot } from '@steelyard/core/model';
import type { AddressedService } from '@steelyard/core/routing';
import { type Admin, startAdmin, startProxy } from '../proxy/index.ts';
import type { Logger } from '../log.ts';
import type { CliContext } from './cli-context.ts';
import { createCliLogger } from './cli-logger.ts';
import { describeSnapshot } from './describe-snapshot.ts';
import { openSource } from './open-source.ts';
import { parseDurationMs, parseSocketAddress } from './option-values.ts';
import { formatAddress, type SocketAddress } from '../net-address.ts';
import { findServiceName } from './service-name.ts';
import type { LogOptions, ManifestOptions } from './shared-options.ts';
import { addLogOptions, addManifestOptions } from './shared-options.ts';
import { aborted, watchStopSignals } from './stop-signal.ts';

interface ProxyCommandOptions extends ManifestOptions, LogOptions {
  readonly listen: SocketAddress;
  readonly service?: string;
  readonly admin?: SocketAddress;
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
    );
  addManifestOptions(command);
  addLogOptions(command, 'info');
  command.action((options: ProxyCommandOptions) => proxy(context, options));
}

async function proxy(context: CliContext, options: ProxyCommandOptions): Promise<void> {
  const log = createCliLogger(context, options);
  const signals = watchStopSignals();
  const asked = new AbortController();
  const admin = await openAdmin(options, log, () => asked.abort());
  try {
    await serve(context, options, log, {
      admin,
      first: AbortSignal.any([signals.first, asked.signal]),
      second: signals.second,
    });
  } finally {
    signals.dispose();
    await admin?.close();
  }
}

interface End {
  readonly admin: Admin | undefined;
  /** Drain. */
  readonly first: AbortSignal;
  /** Do not wait any longer. */
  readonly second: AbortSignal;
}

async function serve(context: CliContext, options: ProxyCommandOptions, log: Logger, end: End): Promise<void> {
  const { source, showFindings } = await openSource(context, { ...options, watch: true });
  try {
    const service = serviceOf(source.current, options);
    const running = await startProxy({
      snapshots: source,
      listen: options.listen,
      namespace: options.namespace,
      ...(service === undefined ? {} : { service }),
      log,
    });
    showFindings();
    const address = formatAddress(running.address);
    context.stdout.write(`steelyard proxy listens on ${address}: ${describeSnapshot(source.current)}\n`);
    end.admin?.ready({
      get snapshot() {
        return source.current;
      },
      get workers() {
        return running.workers;
      },
      report: () => running.report(),
    });
    await aborted(end.first);
    end.admin?.draining();
    await Promise.race([delay(options.drainDelay), aborted(end.second)]);
    log.info(`draining for at most ${options.drainTimeout / 1000} s; a second signal ends it at once`);
    await Promise.race([running.drain(options.drainTimeout), aborted(end.second)]);
    await running.close();
  } finally {
    source.close();
  }
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
