import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import type { Logger } from '../../log.ts';
import {
  cleanUpNodeRules,
  isNodeModeAlive,
  type NodeAddresses,
  type NodeMode,
  renderNodeMetrics,
  startNodeMode,
} from '../../netfilter/index.ts';
import type { SocketAddress } from '../../net-address.ts';
import { startListeners, type WorkerUser } from '../../proxy/index.ts';
import { type AccessLogOptions, addAccessLogOptions, openAccessLog } from '../access-log-options.ts';
import type { CliContext } from '../cli-context.ts';
import { createCliLogger } from '../cli-logger.ts';
import { addClientOptions, type ClientOptions } from '../client-options.ts';
import { describeSnapshot } from '../describe-snapshot.ts';
import { nodeAddresses, parseNodeAddress } from './node-addresses.ts';
import { openNodeAdmin } from './node-admin.ts';
import { asNodeUsageError } from './node-failure.ts';
import { printNodeMode } from './node-print.ts';
import { createReadyFile } from './node-ready-file.ts';
import { openSource } from '../open-source.ts';
import { parseDurationMs, parseSocketAddress, wholeNumber } from '../option-values.ts';
import { addConnectionOptions, type ConnectionOptions, connectionSettings } from '../proxy-connection-options.ts';
import type { LogOptions, ManifestOptions, OutputFormat } from '../shared-options.ts';
import { addLogOptions, addManifestOptions, addOutputOption } from '../shared-options.ts';
import { aborted, watchStopSignals } from '../stop-signal.ts';
import { UsageError } from '../usage-error.ts';

interface NodeCommandOptions extends ManifestOptions, LogOptions, ClientOptions, ConnectionOptions, AccessLogOptions {
  readonly address?: NodeAddresses;
  readonly admin?: SocketAddress;
  readonly readyFile?: string;
  readonly workers: number;
  readonly user?: WorkerUser;
  readonly drainTimeout: number;
  readonly rulesTimeout: number;
  readonly print?: boolean;
  readonly cleanup?: boolean;
  readonly force?: boolean;
  readonly output: OutputFormat;
}

const MOST_WORKERS = 256;
/** Connections that the rules sent to the listeners just before they lost their effect arrive within this. */
const IN_FLIGHT_MS = 300;

export function addNodeCommand(program: Command, context: CliContext): void {
  const command = program
    .command('node')
    .summary('balance every gRPC call to a Service address that is made on this node')
    .description(
      "Sends this node's connections to gRPC Service ports to a proxy in this process, by rules of its own ahead of " +
        "kube-proxy's, and balances each call over the pods. Callers keep the Service's address. When the process ends, " +
        'in whichever way, the rules lose their effect within a second, and connections go as before. Needs root or CAP_NET_ADMIN.',
    )
    .option('--print', 'print the rules that it would write, and which Service ports it would leave')
    .option('--cleanup', 'take rules out of the kernel that a process has left there')
    .option('--force', 'with --cleanup: also those of a process that runs')
    .addOption(
      new Option(
        '--address <ip>',
        "of this node, for the listeners; once a family (default: the Node object's, or the machine's first)",
      ).argParser(parseNodeAddress),
    )
    .addOption(
      new Option('--rules-timeout <time>', 'how long the rules hold when this process is not heard of')
        .argParser(parseRulesTimeout)
        .default(900, '900ms'),
    )
    .addOption(
      new Option('--drain-timeout <time>', 'for calls under way at the end, as 30s')
        .argParser(parseDurationMs)
        .default(30_000, '30s'),
    )
    .addOption(
      new Option(
        '--admin <host:port>',
        'health, metrics and state over HTTP; waits while another process has the port',
      ).argParser(parseSocketAddress),
    )
    .option('--ready-file <path>', 'a file that is there while the rules are in effect, for a probe')
    .addOption(
      new Option('--workers <count>', 'processes that the connections are spread over')
        .argParser(wholeNumber(1, MOST_WORKERS))
        .default(1),
    )
    .addOption(
      new Option(
        '--user <uid:gid>',
        'run the processes that serve calls as this user, whose connections the rules leave alone; needs CAP_SETUID and CAP_SETGID',
      ).argParser(parseUser),
    );
  addAccessLogOptions(command);
  addConnectionOptions(command);
  addClientOptions(command);
  addManifestOptions(command);
  addOutputOption(command);
  addLogOptions(command, 'info');
  command.action((options: NodeCommandOptions) => node(context, options));
}

async function node(context: CliContext, options: NodeCommandOptions): Promise<void> {
  const log = createCliLogger(context, options);
  if (options.cleanup === true) {
    if (options.print === true) throw new UsageError('--print and --cleanup: give one of them');
    return cleanUp(options.force === true);
  }
  const nodeName = options.nodeName ?? hostname().toLowerCase();
  if (options.print === true) {
    const { source, showFindings } = await openSource(context, { ...options, nodeName, watch: false });
    showFindings();
    try {
      context.stdout.write(
        printNodeMode(
          source.current,
          nodeName,
          nodeAddresses(source.current, nodeName, options.address),
          options.output,
        ),
      );
    } finally {
      source.close();
    }
    return;
  }
  const deferred: (() => unknown)[] = [];
  try {
    await serve(context, { ...options, nodeName }, log, (close) => deferred.push(close));
  } finally {
    for (const close of deferred.toReversed()) await close();
  }
}

async function cleanUp(force: boolean): Promise<void> {
  await asNodeUsageError(async () => {
    if (!force && (await isNodeModeAlive())) {
      throw new UsageError('a steelyard node keeps its rules in effect here: stop it, or give --force');
    }
    await cleanUpNodeRules();
  });
}

/** @param defer remembers what is to be closed at the end, in whichever way that comes. */
async function serve(
  context: CliContext,
  options: NodeCommandOptions & { readonly nodeName: string },
  log: Logger,
  defer: (close: () => unknown) => void,
): Promise<void> {
  const connections = connectionSettings(options);
  const accessLog = await openAccessLog(options, log);
  defer(() => accessLog?.sink.close());
  const asked = new AbortController();
  const admin = openNodeAdmin(options.admin, log, () => asked.abort());
  defer(() => admin.close());
  const readyFile = createReadyFile(options.readyFile, log);
  defer(() => readyFile.set(false));
  const { source, showFindings } = await openSource(context, { ...options, watch: true });
  defer(() => source.close());
  const addresses = nodeAddresses(source.current, options.nodeName, options.address);
  const signals = watchStopSignals();
  defer(() => signals.dispose());

  const serving = await startListeners({
    snapshots: source,
    namespace: options.namespace,
    log,
    workers: options.workers,
    workerUser: options.user,
    accessLog,
    connections,
  });
  defer(() => serving.close());
  const mode: NodeMode = await asNodeUsageError(() =>
    startNodeMode({
      source,
      nodeName: options.nodeName,
      addresses,
      open: (listen, service) => serving.open(listen, service),
      isReady: () => serving.workers === undefined || serving.workers.workers.length > 0,
      timeoutMs: options.rulesTimeout,
      exceptUser: options.user?.uid ?? ownUser(),
      log: log.forComponent('node'),
      onPhase: (phase) => readyFile.set(phase === 'owner'),
    }),
  );
  defer(() => mode.close());
  showFindings();
  readyFile.set(true);
  const where = Object.values(addresses).join(' and ');
  const { balanced } = mode.choice;
  context.stdout.write(
    `steelyard node balances ${balanced.length} Service port${balanced.length === 1 ? '' : 's'} on ${where}: ` +
      `${describeSnapshot(source.current)}\n`,
  );
  admin.ready({
    get snapshot() {
      return source.current;
    },
    get workers() {
      return serving.workers;
    },
    report: () => serving.report(),
    obstacle: () => (mode.phase === 'owner' ? undefined : `the rules are not in effect: ${mode.phase}`),
    moreMetrics: () => renderNodeMetrics(mode),
  });

  await aborted(AbortSignal.any([signals.first, asked.signal]));
  admin.draining();
  await mode.standDown();
  serving.leaving();
  await delay(IN_FLIGHT_MS);
  log.info(`draining for at most ${options.drainTimeout / 1000} s; a second signal ends it at once`);
  await Promise.race([serving.drain(options.drainTimeout), aborted(signals.second)]);
}

/** Root's connections are the machine's, and are redirected; a user of its own has only the proxy's. */
function ownUser(): number | undefined {
  const user = process.getuid?.() ?? 0;
  return user === 0 ? undefined : user;
}

/** `65532`, `65532:65532` */
function parseUser(text: string): WorkerUser {
  const { uid, gid = uid } = /^(?<uid>\d{1,9})(?::(?<gid>\d{1,9}))?$/.exec(text)?.groups ?? {};
  if (uid === undefined || Number(uid) === 0) {
    throw new InvalidArgumentError('Write UID or UID:GID, numbers above 0, as 65532:65532.');
  }
  return { uid: Number(uid), gid: Number(gid) };
}

/** Renewed three times in it; beyond a second the rules would outlive their proxy too long. */
function parseRulesTimeout(text: string): number {
  const ms = parseDurationMs(text);
  if (ms >= 300 && ms <= 10_000) return Math.round(ms);
  throw new InvalidArgumentError('Give 300ms to 10s.');
}
