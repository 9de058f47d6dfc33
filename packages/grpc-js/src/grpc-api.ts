/**
 * The one file that touches `grpc.experimental` of grpc-js, which any minor release may change (1.12, 1.13 and 1.14 did;
 * hence the peer range ~1.14). Everything else of this package takes from here what it needs.
 */
import type { experimental } from '@grpc/grpc-js';
import { experimental as grpc } from '@grpc/grpc-js';

export { connectivityState } from '@grpc/grpc-js';

export type ChannelControlHelper = experimental.ChannelControlHelper;
export type GrpcEndpoint = experimental.Endpoint;
export type EndpointMap<T> = experimental.EndpointMap<T>;
export type LeafLoadBalancer = experimental.LeafLoadBalancer;
export type LoadBalancer = experimental.LoadBalancer;
export type PickArgs = experimental.PickArgs;
export type PickResult = experimental.PickResult;
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

/** A map by the addresses of endpoints, whatever their order. */
export function createEndpointMap<T>(): EndpointMap<T> {
  return new grpc.EndpointMap<T>();
}

/** The helper of a child: `parent` with another `updateState`. */
export function createChildHelper(
  parent: ChannelControlHelper,
  updateState: ChannelControlHelper['updateState'],
): ChannelControlHelper {
  return grpc.createChildChannelControlHelper(parent, { updateState });
}

/** Holds calls back until there is another picker. */
export function createQueuePicker(balancer: LoadBalancer): SubchannelPicker {
  return new grpc.QueuePicker(balancer);
}

/** Fails calls with UNAVAILABLE, but for those that wait for ready. */
export function createUnavailablePicker(details: string): SubchannelPicker {
  return new grpc.UnavailablePicker({ details });
}

export function isComplete(result: PickResult): boolean {
  return result.pickResultType === grpc.PickResultType.COMPLETE;
}

export const registerLoadBalancerType: typeof grpc.registerLoadBalancerType = grpc.registerLoadBalancerType;
