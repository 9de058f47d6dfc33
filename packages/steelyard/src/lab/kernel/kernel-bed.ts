import type { Endpoint } from '@steelyard/core/model';
import { podKey } from '../lab-target.ts';
import { LabError } from '../lab-error.ts';
import type { Backends } from '../processes/backends.ts';
import { startChild } from '../processes/child-process.ts';
import type { Cleanup } from '../../cleanup.ts';
import type { OpenWay, WayContext } from '../ways/way-context.ts';
import type { Way } from '../ways/way.ts';
import { buildKernelNet, type KernelNet } from './kernel-net.ts';
import type { KernelMode } from './kernel-tools.ts';
import { openKernelHeadless, openKernelProxy } from './kernel-ways.ts';
import { openKernelNode } from './kernel-node-way.ts';
import { openKernelService } from './kernel-service-way.ts';

/** Where the kernel itself is part of the experiment. */
export interface KernelContext extends WayContext {
  readonly net: KernelNet;
  readonly mode: KernelMode;
}

export interface KernelBed {
  readonly backends: Backends;
  readonly net: KernelNet;
  open(way: Way): Promise<OpenWay | string>;
}

/** A process and a namespace a pod. */
const MAX_PODS = 32;

/**
 * A node and pods with their own addresses, each in a network namespace of its own, and the ways through it. All of it ends
 * with this process, however it ends. `requireKernelTools` comes before.
 *
 * @throws LabError
 */
export async function openKernelBed(mode: KernelMode, context: Omit<WayContext, 'backends'>): Promise<KernelBed> {
  const { target, snapshot, cleanup } = context;
  const families = new Set(
    [target.clusterIp, ...target.pods.map(({ address }) => address)].map((each) => each.includes(':')),
  );
  if (families.size > 1) throw new LabError('--kernel: the ClusterIP and its pods must be of one address family');
  if (target.pods.length > MAX_PODS) {
    throw new LabError(
      `${target.pods.length} pods: the lab runs one process per pod, at most ${MAX_PODS}; use fewer endpoints`,
    );
  }
  const net = await buildKernelNet(target.pods, snapshot, cleanup);
  const addresses = new Map(
    await Promise.all(target.pods.map(async (pod) => [podKey(pod), await startPod(pod, net, cleanup)] as const)),
  );
  const backends = { addresses, onePort: new Set(target.pods.map(({ port }) => port)).size === 1 };
  const whole: KernelContext = { ...context, backends, net, mode };
  return {
    backends,
    net,
    async open(way) {
      const opened = await openWay(way, whole);
      return typeof opened === 'string' ? opened : { ...opened, callerNetworkOf: net.caller.pid };
    },
  };
}

async function startPod(pod: Endpoint, net: KernelNet, cleanup: Cleanup): Promise<{ host: string; port: number }> {
  const { address: host, port } = pod;
  const child = startChild({
    module: './backend-main.js',
    name: `the process of pod ${pod.podName ?? podKey(pod)}`,
    networkOf: net.pods.get(host)?.pid,
  });
  cleanup.defer(() => child.stop());
  const start = { kind: 'start-backend', pod: pod.podName ?? podKey(pod), address: podKey(pod) } as const;
  return (await child.ask({ ...start, listen: { host, port } }, 'listening')).address;
}

async function openWay(way: Way, context: KernelContext): Promise<OpenWay | string> {
  switch (way) {
    case 'service':
      return openKernelService(context);
    case 'headless':
      return openKernelHeadless(context);
    case 'proxy':
      return openKernelProxy(context);
    case 'node':
      return openKernelNode(context);
    default:
      throw new RangeError(`there is no way ${JSON.stringify(way satisfies never)}`);
  }
}
