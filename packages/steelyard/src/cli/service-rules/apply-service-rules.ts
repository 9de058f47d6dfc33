import { writeFile } from 'node:fs/promises';
import type { IpFamily, Snapshot } from '@steelyard/core/model';
import type { Logger } from '../../log.ts';
import { formatAddress, type SocketAddress } from '../../net-address.ts';
import { startTextServer, type TextAnswer, type TextServer } from '../../text-server.ts';
import type { Counters, RuleApplier, RuleSetOptions, RuleTarget } from '../../netfilter/index.ts';
import {
  ApplyError,
  compileNftables,
  compileRuleSet,
  createCounters,
  createFlowCleaner,
  createHealthCheckServers,
  createIptablesApplier,
  createNftablesApplier,
  createRuleMemo,
  findKubeProxy,
  healthChecks,
  ruleHealth,
  startRuleSync,
  SyncMetrics,
} from '../../netfilter/index.ts';
import type { OpenSource } from '../open-source.ts';
import type { ReadSettings, RuleMode } from './rule-settings.ts';
import { aborted, watchStopSignals } from '../stop-signal.ts';
import { UsageError } from '../usage-error.ts';

const FAMILIES: readonly IpFamily[] = ['IPv4', 'IPv6'];

function createApplier(mode: RuleMode, family: IpFamily): RuleApplier {
  return mode === 'iptables' ? createIptablesApplier(family) : createNftablesApplier(family);
}

function targetsOf({ mode, optionsFor }: ReadSettings): readonly RuleTarget[] {
  return FAMILIES.map((family) => ({
    name: `${family} ${mode}`,
    family,
    applier: createApplier(mode, family),
    compile: compilerOf(mode, (snapshot) => optionsFor(family, snapshot)),
  }));
}

/** Compiles again only what changed since its last call. */
function compilerOf(mode: RuleMode, optionsFor: (snapshot: Snapshot) => RuleSetOptions): RuleTarget['compile'] {
  if (mode === 'iptables') {
    const memo: NonNullable<Parameters<typeof compileRuleSet>[2]> = createRuleMemo();
    return (snapshot) => compileRuleSet(snapshot, optionsFor(snapshot), memo);
  }
  const memo: NonNullable<Parameters<typeof compileNftables>[2]> = createRuleMemo();
  return (snapshot) => compileNftables(snapshot, optionsFor(snapshot), memo);
}

export interface ApplyOptions {
  /** Write the rules and end, instead of following the manifests. */
  readonly once?: boolean;
  /** Also where a kube-proxy runs. */
  readonly force?: boolean;
  /** Where to answer probes and metrics. */
  readonly admin?: SocketAddress;
  /** Ends TCP connections to a pod so long after it stopped serving. */
  readonly tcpGraceMs?: number;
}

/** Writes the rules, and keeps them so until a signal; they stay in the kernel, as kube-proxy's do. */
export async function applyServiceRules(
  { source, showFindings }: OpenSource,
  settings: ReadSettings,
  options: ApplyOptions,
  log: Logger,
): Promise<void> {
  await refuseToFight(options.force === true);
  await asUsageError(() => cleanUpMode(settings.mode === 'iptables' ? 'nftables' : 'iptables', log, true));
  const first = settings.optionsFor('IPv4', source.current);
  const isIptables = settings.mode === 'iptables';
  if (isIptables && (first.localhostNodePorts ?? true)) await allowLocalhost(log);
  const counters = isIptables ? await createCounters() : undefined;
  const signals = watchStopSignals();
  const { tcpGraceMs } = options;
  const flows = createFlowCleaner({ log, ...(tcpGraceMs !== undefined && { tcpGraceMs }) });
  const metrics = new SyncMetrics(settings.mode, FAMILIES);
  const sync = startRuleSync({
    source,
    targets: targetsOf(withAccounting(settings, counters !== undefined)),
    log,
    observer: metrics,
    onWritten: (before, after) => flows.written(before, after),
  });
  const unfollow = source.onProgrammed?.((changes) => {
    for (const { changedAtMs } of changes) metrics.triggered(source.current.version, changedAtMs);
  });
  const admin = options.admin && (await openAdmin(options.admin, metrics, counters, log));
  try {
    await asUsageError(() => sync.first);
    showFindings();
    if (options.once === true) return;
    const checks = createHealthCheckServers({ isHealthy: () => sync.isHealthy(), log });
    const update = (): Promise<void> => checks.update(healthChecks(source.current, settings.nodeName));
    const unsubscribe = source.subscribe(() => void update());
    await update();
    await aborted(signals.first);
    unsubscribe();
    await checks.close();
  } finally {
    unfollow?.();
    await admin?.close();
    flows.close();
    await sync.close();
    signals.dispose();
  }
}

function withAccounting(settings: ReadSettings, accounting: boolean): ReadSettings {
  if (!accounting) return settings;
  return { ...settings, optionsFor: (family, snapshot) => ({ ...settings.optionsFor(family, snapshot), accounting }) };
}

/** kube-proxy's `/healthz` and `/livez` and its metrics, on one port. */
async function openAdmin(
  listen: SocketAddress,
  metrics: SyncMetrics,
  counters: Counters | undefined,
  log: Logger,
): Promise<TextServer> {
  const health = (): TextAnswer =>
    ruleHealth(metrics, Date.now() / 1000) ? [200, 'ok\n'] : [503, 'changes do not reach the kernel\n'];
  try {
    const admin = await startTextServer(listen, {
      '/healthz': health,
      '/livez': health,
      '/readyz': health,
      '/metrics': async () => [200, metrics.render() + ((await counters?.render()) ?? '')],
    });
    log.info(`probes and metrics on http://${formatAddress(admin.address)}`);
    return admin;
  } catch (error) {
    throw new UsageError(`--admin ${formatAddress(listen)}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Asks the kernel's own parser; nothing is written. */
export async function checkServiceRules({ source }: OpenSource, settings: ReadSettings): Promise<void> {
  for (const { applier, compile } of targetsOf(settings)) {
    await asUsageError(() => applier.check(compile(source.current)));
  }
}

export async function cleanUpServiceRules(mode: RuleMode, force: boolean, log: Logger): Promise<void> {
  await refuseToFight(force);
  await asUsageError(() => cleanUpMode(mode, log, false));
}

/** `leftovers`: of the other mode, whose tools need not be there. */
async function cleanUpMode(mode: RuleMode, log: Logger, leftovers: boolean): Promise<void> {
  for (const family of FAMILIES) {
    try {
      await createApplier(mode, family).cleanup();
    } catch (error) {
      if (!leftovers || !(error instanceof ApplyError)) throw error;
      log.debug(`no leftovers of ${mode} looked for: ${error.message}`);
    }
  }
}

async function refuseToFight(force: boolean): Promise<void> {
  if (force) return;
  const pid = await findKubeProxy();
  if (pid === undefined) return;
  throw new UsageError(`kube-proxy (process ${pid}) writes the same rules here: stop it, or give --force`);
}

/** Node ports on 127.0.0.1 need it; the martian rule in KUBE-FIREWALL keeps the neighbours out (CVE-2020-8558). */
async function allowLocalhost(log: Logger): Promise<void> {
  try {
    await writeFile('/proc/sys/net/ipv4/conf/all/route_localnet', '1');
  } catch (error) {
    log.warn(`node ports will not work on 127.0.0.1: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What the kernel refuses is told in one line. */
async function asUsageError(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw error instanceof ApplyError ? new UsageError(error.message) : error;
  }
}
