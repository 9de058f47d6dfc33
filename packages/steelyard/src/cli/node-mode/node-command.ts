import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { type Cleanup, createCleanup } from '../../cleanup.ts';
import type { Logger } from '../../log.ts';
import {
  cleanUpNodeRules,
  isNodeModeAlive,
  type NodeAddresses,
  type NodeMode,
  renderNodeMetrics,
  startNodeMode,
} from '../../netfilter/index.ts';
import { startListeners, type WorkerUser } from '../../proxy/index.ts';
import { openAccessLog } from '../options/access-log-options.ts';
import type { CliContext } from '../cli-context.ts';
import { createCliLogger } from '../cli-logger.ts';
import { addClientOptions, type ClientOptions } from '../options/client-options.ts';
import { describeSnapshot } from '../describe-snapshot.ts';
import { nodeAddresses, parseNodeAddress } from './node-addresses.ts';
import { openNodeAdmin } from './node-admin.ts';
import { asNodeUsageError } from './node-failure.ts';
import { printNodeMode } from './node-print.ts';
import { createReadyFile } from './node-ready-file.ts';
import { openSource } from '../open-source.ts';
import { parseDurationMs } from '../options/option-values.ts';
import { connectionSettings } from '../options/proxy-connection-options.ts';
import { addServingOptions, drainCalls, type ServingOptions } from '../options/serving-options.ts';
import type { LogOptions, ManifestOptions, OutputFormat } from '../options/shared-options.ts';
import { addLogOptions, addManifestOptions, addOutputOption } from '../options/shared-options.ts';
import { aborted, watchStopSignals } from '../stop-signal.ts';
import { UsageError } from '../usage-error.ts';

interface NodeCommandOptions extends ManifestOptions, LogOptions, ClientOptions, ServingOptions {
  readonly address?: NodeAddresses;
  readonly readyFile?: string;
  readonly user?: WorkerUser;
  readonly rulesTimeout: number;
  readonly print?: boolean;
  readonly cleanup?: boolean;
  readonly force?: boolean;
  readonly output: OutputFormat;
}

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
    .option('--ready-file <path>', 'a file that is there while the rules are in effect, for a probe')
    .addOption(
      new Option(
        '--user <uid:gid>',
        'run the processes that serve calls as this user, whose connections the rules leave alone; needs CAP_SETUID and CAP_SETGID',
      ).argParser(parseUser),
    );
  addServingOptions(command, { adminNote: 'waits while another process has the port', workers: 1 });
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
    return cleanUpRules(options.force === true);
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
  const cleanup = createCleanup();
  try {
    await serve(context, { ...options, nodeName }, log, cleanup);
  } finally {
    await cleanup.run();
  }
}

async function cleanUpRules(force: boolean): Promise<void> {
  await asNodeUsageError(async () => {
    if (!force && (await isNodeModeAlive())) {
      throw new UsageError('a steelyard node keeps its rules in effect here: stop it, or give --force');
    }
    await cleanUpNodeRules();
  });
}

async function serve(
  context: CliContext,
  options: NodeCommandOptions & { readonly nodeName: string },
  log: Logger,
  cleanup: Cleanup,
): Promise<void> {
  const connections = connectionSettings(options);
  const accessLog = await openAccessLog(options, log);
  cleanup.defer(() => accessLog?.sink.close());
  const asked = new AbortController();
  const admin = openNodeAdmin(options.admin, log, () => asked.abort());
  cleanup.defer(() => admin.close());
  const readyFile = createReadyFile(options.readyFile, log);
  cleanup.defer(() => readyFile.set(false));
  const { source, showFindings } = await openSource(context, { ...options, watch: true });
  cleanup.defer(() => source.close());
  const addresses = nodeAddresses(source.current, options.nodeName, options.address);
  const signals = watchStopSignals();
  cleanup.defer(() => signals.dispose());

  const serving = await startListeners({
    snapshots: source,
    namespace: options.namespace,
    log,
    workers: options.workers,
    workerUser: options.user,
    accessLog,
    connections,
  });
  cleanup.defer(() => serving.close());
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
  cleanup.defer(() => mode.close());
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
  await drainCalls(serving, options, signals, log);
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
