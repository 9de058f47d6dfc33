/**
 * The one file that touches `grpc.experimental` of grpc-js, which any minor release may change (1.12, 1.13 and 1.14 did;
 * hence the peer range ~1.14). Everything else of this package takes from here what it needs.
 */
import type { ClientHttp2Session } from 'node:http2';
import type { experimental } from '@grpc/grpc-js';
import { experimental as grpc, logVerbosity, Metadata, status } from '@grpc/grpc-js';

export { connectivityState } from '@grpc/grpc-js';

export const OK: typeof status.OK = status.OK;

export type ChannelControlHelper = experimental.ChannelControlHelper;
export type GrpcEndpoint = experimental.Endpoint;
export type LeafLoadBalancer = experimental.LeafLoadBalancer;
export type LoadBalancer = experimental.LoadBalancer;
export type PickArgs = experimental.PickArgs;
export type PickResult = experimental.PickResult;
/** What calls are made on; that of one connection only makes calls. */
export type Channel = ReturnType<NonNullable<PickResult['subchannel']>['getChannel']>;
/** Called once with the outcome of a call that was started. */
export type CallEnded = NonNullable<PickResult['onCallEnded']>;
export type GrpcUri = experimental.GrpcUri;
export type Resolver = experimental.Resolver;
export type ResolverListener = experimental.ResolverListener;
/** What a resolver hands over as service config, beside the addresses. */
export type ResolvedServiceConfig = Parameters<ResolverListener>[2];
export type SubchannelPicker = experimental.Picker;
export type StatusOr<T> = experimental.StatusOr<T>;
export type TypedLoadBalancingConfig = experimental.TypedLoadBalancingConfig;
/** As a LoadBalancer gets them: the channel's options plus the resolver's attributes. */
export type BalancerOptions = Parameters<LoadBalancer['updateAddressList']>[2];

/** One connection to one endpoint: pick_first inside (gRFC A61). */
export function createLeaf(
  endpoint: GrpcEndpoint,
  helper: ChannelControlHelper,
  options: BalancerOptions,
  resolutionNote: string,
): LeafLoadBalancer {
  return new grpc.LeafLoadBalancer(endpoint, helper, options, resolutionNote);
}

/** The helper of a child: `parent` with another `updateState`. */
export function createChildHelper(
  parent: ChannelControlHelper,
  updateState: ChannelControlHelper['updateState'],
): ChannelControlHelper {
  return grpc.createChildChannelControlHelper(parent, { updateState });
}

/**
 * The HTTP/2 session that a connected leaf's picker leads to. grpc-js keeps it to itself: where this version keeps it elsewhere,
 * there is none, and what needs one is left out (pings of our own, more connections when streams run out).
 */
export function sessionOf(picker: SubchannelPicker): ClientHttp2Session | undefined {
  const { subchannel } = picker.pick({ metadata: new Metadata(), extraPickInfo: {} });
  const session = innerField(innerField(subchannel?.getRealSubchannel(), 'transport'), 'session');
  return isSession(session) ? session : undefined;
}

/** Calls on one connection and no other, for what is asked of one endpoint. */
export function channelOf(picker: SubchannelPicker): Channel | undefined {
  return picker.pick({ metadata: new Metadata(), extraPickInfo: {} }).subchannel?.getChannel();
}

function innerField(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function isSession(value: unknown): value is ClientHttp2Session {
  if (typeof value !== 'object' || value === null) return false;
  return 'remoteSettings' in value && 'ping' in value && typeof value.ping === 'function' && 'socket' in value;
}

/** Holds calls back until there is another picker. */
export function createQueuePicker(balancer: LoadBalancer): SubchannelPicker {
  return new grpc.QueuePicker(balancer);
}

/** A call waits for the next picker. */
export function createQueueResult(): PickResult {
  const { QUEUE } = grpc.PickResultType;
  return { pickResultType: QUEUE, subchannel: null, status: null, onCallStarted: null, onCallEnded: null };
}

/** Fails calls with UNAVAILABLE, but for those that wait for ready. */
export function createUnavailablePicker(details: string): SubchannelPicker {
  return new grpc.UnavailablePicker({ details });
}

export function isComplete(result: PickResult): boolean {
  return result.pickResultType === grpc.PickResultType.COMPLETE;
}

/** A list of endpoints, as a resolver hands it over. */
export function endpointsFound(endpoints: GrpcEndpoint[]): StatusOr<GrpcEndpoint[]> {
  return grpc.statusOrFromValue(endpoints);
}

/** UNAVAILABLE, as a resolver hands it over instead of endpoints. */
export function endpointsUnavailable(details: string): StatusOr<GrpcEndpoint[]> {
  return grpc.statusOrFromError({ code: status.UNAVAILABLE, details });
}

/**
 * Why none of the entries of a `loadBalancingConfig` can be had; `undefined` when one can. grpc-js itself goes to pick_first then,
 * without a word.
 */
export function policyProblem(list: readonly unknown[]): string | undefined {
  const problems: string[] = [];
  for (const entry of list) {
    if (typeof entry !== 'object' || entry === null) {
      problems.push(`${JSON.stringify(entry)} is no policy`);
      continue;
    }
    try {
      grpc.parseLoadBalancingConfig({ ...entry });
      return undefined;
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  return problems.join('; ');
}

/** Name of a resolver's attribute that is for the balancer only: connections are told apart by all others. */
export const TARGET_ATTRIBUTE: string = `${grpc.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX}.steelyard_target`;

/** Shows with grpc-js's own traces: `GRPC_TRACE=steelyard GRPC_VERBOSITY=DEBUG`. */
export function trace(text: string): void {
  grpc.trace(logVerbosity.DEBUG, 'steelyard', text);
}

export const registerResolver: typeof grpc.registerResolver = grpc.registerResolver;
export const registerLoadBalancerType: typeof grpc.registerLoadBalancerType = grpc.registerLoadBalancerType;
