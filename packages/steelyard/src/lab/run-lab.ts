import type { Snapshot } from '@steelyard/core/model';
import { serviceKey } from '@steelyard/core/model';
import type { LogLevel, Logger } from '../log.ts';
import { startBackends } from './processes/backends.ts';
import { type Cleanup, createCleanup } from '../cleanup.ts';
import { formatAddress } from '../net-address.ts';
import { LabError } from './lab-error.ts';
import { type KernelBed, openKernelBed } from './kernel/kernel-bed.ts';
import type { KernelMode } from './kernel/kernel-tools.ts';
import { requireKernelTools } from './kernel/kernel-tools.ts';
import type { LabReport } from './report/lab-report.ts';
import type { LabTarget } from './lab-target.ts';
import { renderInvitation } from './report/invitation.ts';
import type { Workload } from './ways/measure-way.ts';
import { measureWay } from './ways/measure-way.ts';
import type { OpenWay } from './ways/way-context.ts';
import { NEEDS_KERNEL, openWay } from './ways/open-way.ts';
import type { Way } from './ways/way.ts';
import { KERNEL_WAYS, WAYS } from './ways/way.ts';
import type { WayReport } from './report/lab-report.ts';

export interface LabOptions extends Workload {
  readonly snapshot: Snapshot;
  /** Of short names. */
  readonly namespace: string;
  /** Of the Snapshot. */
  readonly target: LabTarget;
  /** Absent, every way that these manifests and this machine have. A way that is asked for must be there. */
  readonly ways?: readonly Way[];
  /** 0 to 2^32 - 1: of every random choice made. */
  readonly seed: number;
  readonly progress: LabProgress;
  readonly log: Logger;
  /** For the proxy's own process. */
  readonly logLevel: LogLevel;
  /** Which rules to write into a real kernel, in network namespaces made for it; absent: everything is on loopback. */
  readonly kernel?: KernelMode;
  /** Ends the experiment early: the run rejects with the signal's reason. Whatever was started is ended first. */
  readonly signal: AbortSignal;
}

/** Chatter while it runs. */
export interface LabProgress {
  /** A new thing begins. */
  phase(text: string): void;
  calls(way: Way, done: number, total: number): void;
}

/** An experiment that has been made. Its pods and ways stay up until `close`. */
export interface Lab {
  readonly report: LabReport;
  /** How to call each way by hand while the lab is up. */
  readonly invitation: string;
  close(): Promise<void>;
}

/**
 * The experiment: a real gRPC server process per pod, then the same calls over each way, from one channel each.
 *
 * @throws LabError when the manifests or the machine do not allow what was asked for
 */
export async function runLab(options: LabOptions): Promise<Lab> {
  const cleanup = createCleanup();
  const { signal } = options;
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  try {
    const made = makeExperiment(options, cleanup);
    // After an abort its children are gone and it fails for that; the abort is what the caller hears of.
    made.catch(() => undefined);
    return await Promise.race([made, aborted]);
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

async function makeExperiment(options: LabOptions, cleanup: ReturnType<typeof createCleanup>): Promise<Lab> {
  const { target, progress, seed } = options;
  if (options.ways?.includes('headless') === true && typeof target.headless === 'string') {
    throw notToBeHad('headless', target.headless);
  }
  if (options.kernel !== undefined) requireKernelTools(options.kernel);
  else if (options.ways?.includes('node') === true) throw notToBeHad('node', NEEDS_KERNEL);
  progress.phase(`starting ${target.pods.length} pods`);
  const bed = await openBed(options, cleanup);

  const open: OpenWay[] = [];
  const reports: WayReport[] = [];
  const skipped: { way: Way; reason: string }[] = [];
  const all = options.kernel === undefined && options.ways === undefined ? WAYS : KERNEL_WAYS;
  for (const way of all.filter((candidate) => options.ways?.includes(candidate) ?? true)) {
    progress.phase(`${way}: ${options.calls} calls`);
    const opened = await bed.open(way);
    if (typeof opened === 'string') {
      if (options.ways !== undefined) throw notToBeHad(way, opened);
      skipped.push({ way, reason: opened });
      continue;
    }
    open.push(opened);
    const onDone = (done: number): void => progress.calls(way, done, options.calls);
    reports.push(await measureWay(opened, target.pods, options, cleanup, onDone));
  }
  return {
    report: { service: nameOf(target), clusterIp: clusterIpOf(target), seed, ways: reports, skipped },
    invitation: renderInvitation(open, target, bed.backends),
    close: () => cleanup.run(),
  };
}

/** The pods, running, and what opens a way to them. */
async function openBed(options: LabOptions, cleanup: Cleanup): Promise<Pick<KernelBed, 'backends' | 'open'>> {
  if (options.kernel !== undefined) return openKernelBed(options.kernel, { ...options, cleanup });
  const backends = await startBackends(options.target.pods, cleanup);
  return { backends, open: (way) => openWay(way, { ...options, backends, cleanup }) };
}

/** A way that was asked for is not left out in silence. */
function notToBeHad(way: Way, reason: string): LabError {
  return new LabError(`--way ${way}: ${reason}`);
}

function nameOf({ entry: { service } }: LabTarget): string {
  return serviceKey(service.namespace, service.name);
}

function clusterIpOf({ clusterIp, port }: LabTarget): string {
  return formatAddress({ host: clusterIp, port: port.port.port });
}
