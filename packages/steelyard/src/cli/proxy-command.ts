import type { Command } from 'commander';
import { Option } from 'commander';
import type { Snapshot } from '@steelyard/core/model';
import type { AddressedService } from '@steelyard/core/routing';
import { startProxy } from '../proxy/index.ts';
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
  readonly drainTimeout: number;
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
    );
  addManifestOptions(command);
  addLogOptions(command, 'info');
  command.action((options: ProxyCommandOptions) => proxy(context, options));
}

async function proxy(context: CliContext, options: ProxyCommandOptions): Promise<void> {
  const log = createCliLogger(context, options);
  const { source, showFindings } = await openSource(context, { ...options, watch: true });
  const signals = watchStopSignals();
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
    await aborted(signals.first);
    log.info(`draining for at most ${options.drainTimeout / 1000} s; a second signal ends it at once`);
    await Promise.race([running.drain(options.drainTimeout), aborted(signals.second)]);
    await running.close();
  } finally {
    source.close();
    signals.dispose();
  }
}

function serviceOf(snapshot: Snapshot, { service, namespace }: ProxyCommandOptions): AddressedService | undefined {
  return service === undefined ? undefined : findServiceName(snapshot, service, namespace);
}
