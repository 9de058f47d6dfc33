import type { Service, ServicePort, Snapshot } from '@steelyard/core/model';
import { renderEndpointAddress, serviceKey } from '@steelyard/core/model';
import { createCalledAddresses } from './called-addresses.ts';

/** A Service port whose callers are sent to the proxy. */
export interface BalancedPort {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** Cluster addresses that callers dial, at most one a family. Never empty. */
  readonly addresses: readonly string[];
  /** What says that it carries gRPC. */
  readonly because: string;
}

/** A Service port that stays with kube-proxy, and why, as a clause. */
export interface LeftPort {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  readonly because: string;
}

export interface PortChoice {
  readonly balanced: readonly BalancedPort[];
  /** TCP ports with a cluster address. */
  readonly left: readonly LeftPort[];
}

/**
 * Which Service ports node mode takes, and why it leaves the others.
 *
 * @param nodeName of this node, which the Snapshot's clusters were compiled for
 */
export function selectPorts(snapshot: Snapshot, nodeName?: string): PortChoice {
  return createPortSelector(nodeName)(snapshot);
}

/** As {@link selectPorts}, for one Snapshot after the other: endpoints that stay are not looked at again. */
export function createPortSelector(nodeName?: string): (snapshot: Snapshot) => PortChoice {
  const findCalled = createCalledAddresses();
  return (snapshot) => choose(snapshot, findCalled(snapshot), nodeName);
}

function choose(snapshot: Snapshot, called: ReadonlySet<string>, nodeName: string | undefined): PortChoice {
  const isNodeKnown = nodeName !== undefined && snapshot.nodes?.has(nodeName) === true;
  const balanced: BalancedPort[] = [];
  const left: LeftPort[] = [];
  for (const { service } of snapshot.services.values()) {
    if (service.clusterIps.length === 0) continue;
    const { namespace, name, clusterIps } = service;
    for (const servicePort of service.ports) {
      if (servicePort.protocol !== 'TCP') continue;
      const { port } = servicePort;
      const place = { namespace, name, port };
      const gRPC = evidence(snapshot, service, servicePort);
      const obstacle = gRPC.holds
        ? (obstacleTo(service, isNodeKnown) ?? passedThrough(snapshot, service, port))
        : gRPC.because;
      // The proxy calls these addresses itself: sent to the proxy, such a call would never end.
      const addresses = clusterIps.filter((address) => !called.has(renderEndpointAddress(address, port)));
      if (obstacle !== undefined) left.push({ ...place, because: obstacle });
      else if (addresses.length > 0) balanced.push({ ...place, addresses, because: gRPC.because });
      if (obstacle === undefined && addresses.length < clusterIps.length) {
        left.push({ ...place, because: 'its address is one that calls are sent to: the proxy would call itself' });
      }
    }
  }
  return { balanced, left };
}

interface Evidence {
  readonly holds: boolean;
  readonly because: string;
}

/** Of HTTP/2 without TLS; `kubernetes.io/h2c` is KEP-3726, the others are Istio's. */
const GRPC_PROTOCOLS = new Set(['grpc', 'http2', 'h2c', 'kubernetes.io/h2c']);

/** What Istio knows besides (istio.io, "Protocol Selection"): a port that says one of these is not gRPC's. */
const OTHER_PROTOCOLS = new Set(
  'http,http_proxy,https,tls,tcp,udp,mongo,mysql,redis,grpc-web,hbone,ws,wss,kubernetes.io/ws,kubernetes.io/wss'.split(
    ',',
  ),
);

/**
 * The annotation decides; else the port's protocol as Istio reads it, `appProtocol` before the name up to its first dash;
 * else, where neither says anything, a VirtualService.
 */
function evidence(snapshot: Snapshot, service: Service, { name, port, appProtocol }: ServicePort): Evidence {
  const { grpcPorts } = service;
  if (grpcPorts !== undefined) {
    const because = 'annotation steelyard.dev/grpc';
    return grpcPorts.includes(port) ? { holds: true, because } : { holds: false, because: `${because} leaves it out` };
  }
  const said = appProtocol?.toLowerCase();
  if (said !== undefined && GRPC_PROTOCOLS.has(said)) return { holds: true, because: `appProtocol ${appProtocol}` };
  if (said !== undefined) return { holds: false, because: `appProtocol ${appProtocol} is not gRPC` };
  const byName = name.startsWith('grpc-web') ? 'grpc-web' : (name.split('-', 1)[0] ?? '').toLowerCase();
  if (GRPC_PROTOCOLS.has(byName)) return { holds: true, because: `port name ${name}` };
  if (OTHER_PROTOCOLS.has(byName)) return { holds: false, because: `port name ${name} says another protocol` };
  const host = `${service.name}.${service.namespace}.svc.${snapshot.clusterDomain}:${port}`;
  const rule = snapshot.virtualHosts.get(host)?.virtualService;
  if (rule !== undefined)
    return { holds: true, because: `VirtualService ${serviceKey(rule.namespace ?? '', rule.name)}` };
  return { holds: false, because: 'nothing says that it carries gRPC' };
}

/** `PASSTHROUGH` asks for what kube-proxy's rules do anyway; the proxy would have to call the address that is redirected to it. */
function passedThrough(
  { clusters, virtualHosts, clusterDomain }: Snapshot,
  service: Service,
  port: number,
): string | undefined {
  const host = `${service.name}.${service.namespace}.svc.${clusterDomain}`;
  if (clusters.get(`outbound|${port}||${host}`)?.toServiceAddress !== true) return undefined;
  const rule = virtualHosts.get(`${host}:${port}`)?.virtualService;
  const without =
    rule === undefined
      ? ''
      : `; VirtualService ${serviceKey(rule.namespace, rule.name)} has no effect on its calls then`;
  return `PASSTHROUGH leaves the choice of a pod to the kernel${without}`;
}

/** What of the Service the proxy would not keep. */
function obstacleTo(service: Service, isNodeKnown: boolean): string | undefined {
  const { internalTrafficPolicy, sessionAffinityTimeoutS, serviceProxyName, grpcPorts } = service;
  if (serviceProxyName !== undefined) return `label service-proxy-name leaves the Service to ${serviceProxyName}`;
  // Under a name that no Node has, every pod would be on another one.
  if (internalTrafficPolicy === 'Local' && !isNodeKnown) {
    return 'internalTrafficPolicy is Local, and no Node is known by the name of this one: say --node-name';
  }
  if (sessionAffinityTimeoutS !== undefined && grpcPorts === undefined) {
    return 'sessionAffinity is ClientIP, which the proxy does not keep; annotate the Service to balance it all the same';
  }
  return undefined;
}
