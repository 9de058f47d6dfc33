import type { ObjectRef, Snapshot, VirtualHost } from '../model/index.ts';
import { explainActions } from './explain-actions.ts';
import { explainDestination } from './explain-destination.ts';
import type { ExplainedShare } from './explain-shares.ts';
import { concerns, type ExplainedStep, ofRoute } from './explained-step.ts';
import { explainNoRoute, renderHostName } from './explain-miss.ts';
import { explainMisses, renderRouteName } from './explain-routes.ts';
import { type LiveState, NO_LIVE_STATE } from './live-state.ts';
import { nearServices } from './near-service.ts';
import type { RouteRequest } from './route-request.ts';
import { createRouteTable, type RouteTableOptions } from './route-table.ts';
import { findRoute } from './select-route.ts';

export interface ExplainedCall {
  readonly authority: string;
  readonly path: string;
  /** Namespace of the caller. */
  readonly from: string;
  /** `forwarded`: it goes to one of `shares`; `answered`: the route answers by itself; `failed`: nobody can take it. */
  readonly outcome: 'forwarded' | 'answered' | 'failed';
  /** Health and load are those of a running proxy; else every endpoint is taken to be well and idle. */
  readonly live: boolean;
  readonly steps: readonly ExplainedStep[];
  readonly shares: readonly ExplainedShare[];
  /** 0–1 of all calls like this one: those that a fault of the route ends. */
  readonly aborted: number;
  /** 0–1 of them: those whose destination has no endpoint that can take them. With `shares` and `aborted` it makes 1. */
  readonly failing: number;
}

/**
 * What happens to a call, by the very code that decides about calls. Diagnostics of the Snapshot tell why objects that
 * might have decided did not.
 *
 * @param live of a running proxy; without it every endpoint is taken to be well and idle
 */
export function explainCall(
  snapshot: Snapshot,
  request: RouteRequest,
  options: RouteTableOptions,
  live: LiveState = NO_LIVE_STATE,
): ExplainedCall {
  const authority = request.authority ?? '';
  const table = createRouteTable(snapshot, options);
  const call = { authority, path: request.path, from: options.namespace, live: live !== NO_LIVE_STATE };
  const host = table.findVirtualHost(authority);
  if (host === undefined) {
    const because = nearServices(snapshot, authority, options.namespace);
    const steps: ExplainedStep[] = [{ step: 'host', decision: table.explainMiss(authority), because }];
    return { ...call, outcome: 'failed', steps, ...NOWHERE };
  }
  const first = explainHost(snapshot, host, authority, options);
  const steps = [first, explainVirtualService(snapshot, host)];
  const hit = findRoute(host, request);
  const misses = explainMisses(host, request, hit?.route);
  if (hit === undefined) {
    steps.push({ step: 'route', decision: `${explainNoRoute(host)} It fails with UNIMPLEMENTED.`, because: misses });
    return { ...call, outcome: 'failed', steps, ...NOWHERE };
  }
  const { route, match } = hit;
  const taken =
    match === undefined
      ? 'it takes every call'
      : `its match${match.name === undefined ? '' : ` "${match.name}"`} holds`;
  steps.push({
    step: 'route',
    ...ofRoute(route),
    decision: `Route ${renderRouteName(route, host)} takes the call: ${taken}.`,
    because: misses,
  });
  steps.push(...explainActions(snapshot, host, hit, request, live));
  if (route.answer !== undefined) return { ...call, outcome: 'answered', steps, shares: [], aborted: 0, failing: 0 };
  const aborted = Math.min(1, (route.fault?.abort?.percent ?? 0) / 100);
  if (aborted === 1) return { ...call, outcome: 'answered', steps, shares: [], aborted, failing: 0 };
  const shares: ExplainedShare[] = [];
  let failing = 0;
  for (const destination of route.destinations) {
    const explained = explainDestination(snapshot, route, destination, request, live);
    steps.push(...explained.steps);
    shares.push(...explained.shares.map((one) => ({ ...one, share: one.share * (1 - aborted) })));
    if (explained.shares.length === 0) failing += (destination.weight / route.totalWeight) * (1 - aborted);
  }
  return { ...call, outcome: shares.length > 0 ? 'forwarded' : 'failed', steps, shares, aborted, failing };
}

const NOWHERE = { shares: [], aborted: 0, failing: 1 } as const;

function explainHost(
  snapshot: Snapshot,
  host: VirtualHost,
  authority: string,
  options: RouteTableOptions,
): ExplainedStep {
  const [name = ''] = host.host.split('.');
  const quoted = JSON.stringify(authority);
  const entry = snapshot.services.get(`${host.namespace}/${name}`);
  if (entry === undefined || !host.host.startsWith(`${name}.${host.namespace}.svc.`)) {
    const { virtualService: object } = host;
    return {
      step: 'host',
      ...(object !== undefined && { object }),
      field: 'spec.hosts',
      decision: `:authority ${quoted} names no Service; it is a host that a VirtualService speaks of, as ${host.host}.`,
      because: [],
    };
  }
  const because = entry.service.headless ? ['It is headless, and balanced as any other.'] : [];
  const named = `Service ${host.namespace}/${name}, port ${host.port}`;
  const why = whyFallenBack(snapshot, authority, options);
  const decision =
    why === undefined
      ? `:authority ${quoted} means ${named}.`
      : `:authority ${quoted} leads nowhere, so the call goes to the Service to fall back on: ${named}.`;
  if (why !== undefined) because.unshift(why);
  const object = { kind: 'Service', namespace: host.namespace, name } as const;
  return { step: 'host', object, field: 'metadata.name', decision, because };
}

/** Why the authority alone leads to no host; `undefined` where it does. */
function whyFallenBack(snapshot: Snapshot, authority: string, options: RouteTableOptions): string | undefined {
  if (options.service === undefined) return undefined;
  const { namespace, listenPort } = options;
  const table = createRouteTable(snapshot, { namespace, listenPort });
  return table.findVirtualHost(authority) === undefined ? table.explainMiss(authority) : undefined;
}

/** Why an object that is not used was not; its message names the host. Rules that are left out are told with the route. */
const WHY_NOT = new Set(['virtual-service-conflict', 'not-exported', 'not-in-mesh', 'host-not-expanded']);

function explainVirtualService(snapshot: Snapshot, host: VirtualHost): ExplainedStep {
  const { virtualService: object } = host;
  const because = snapshot.diagnostics
    .filter((one) => one.object?.kind === 'VirtualService' && WHY_NOT.has(one.code) && concerns(one, host.host))
    .map(({ object: other, message }) => `${other?.namespace ?? ''}/${other?.name ?? ''}: ${message}`);
  if (object === undefined) {
    const without = new Set(
      (host.leftOut?.rules ?? []).map(({ virtualService: { namespace, name } }) => `${namespace}/${name}`),
    );
    for (const name of without) because.push(`${name}: None of its rules is for these callers and this port.`);
    const decision = `No VirtualService decides about ${renderHostName(host)} for these callers: the Service keeps its default route.`;
    return { step: 'virtual-service', decision, because };
  }
  const decision = `VirtualService ${object.namespace}/${object.name} decides about ${renderHostName(host)}.`;
  because.push(...widerOnes(snapshot, host.host, object));
  return { step: 'virtual-service', object, field: 'spec.hosts', decision, because };
}

/** Those whose wildcard is for the host, too. */
function widerOnes({ virtualHosts }: Snapshot, host: string, chosen: ObjectRef): ReadonlySet<string> {
  const wider = new Set<string>();
  for (const { host: pattern, virtualService: one } of virtualHosts.values()) {
    if (one === undefined || !pattern.startsWith('*') || pattern === host || !host.endsWith(pattern.slice(1))) continue;
    if (one.namespace === chosen.namespace && one.name === chosen.name) continue;
    wider.add(`${one.namespace}/${one.name}: Host ${pattern} fits less well.`);
  }
  return wider;
}
