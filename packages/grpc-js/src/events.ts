import { channel } from 'node:diagnostics_channel';
import { trace } from './grpc-api.ts';

/** A name was looked up, or a watch has news. On `steelyard.grpc-js.resolution`. */
export interface ResolutionEvent {
  readonly target: string;
  readonly outcome: 'found' | 'empty' | 'failed';
  /** How many there are now, old ones that are kept included. */
  readonly endpoints: number;
  /** What was found or why not, in words. */
  readonly note: string;
}

/** An endpoint was connected, lost, added or removed. On `steelyard.grpc-js.endpoint`. */
export interface EndpointEvent {
  readonly target: string;
  readonly policy: string;
  /** `ip:port` */
  readonly endpoint: string;
  readonly change: 'added' | 'connected' | 'lost' | 'removed' | 'ejected' | 'returned';
}

/** A connection was opened or closed, or could not be opened. On `steelyard.grpc-js.connection`. */
export interface ConnectionEvent {
  readonly target: string;
  /** `ip:port` */
  readonly endpoint: string;
  readonly change: 'opened' | 'failed' | 'closed';
}

/** Weighted round robin has taken new weights over. On `steelyard.grpc-js.weights`. */
export interface WeightsEvent {
  readonly target: string;
  /** Calls a second at full use, of each connected endpoint; 0 where that cannot be told. */
  readonly weights: readonly number[];
  /** Endpoints of weight 0 whose last report is too old, and those that have none yet, or not for long enough. */
  readonly stale: number;
  readonly notYetUsable: number;
}

const resolutions = channel('steelyard.grpc-js.resolution');
const endpoints = channel('steelyard.grpc-js.endpoint');

const connections = channel('steelyard.grpc-js.connection');
const weights = channel('steelyard.grpc-js.weights');

export function publishConnection(event: ConnectionEvent): void {
  if (connections.hasSubscribers) connections.publish(event);
}

/** Whether anybody wants to know of weights: what they amount to is not reckoned up for nobody. */
export function areWeightsWatched(): boolean {
  return weights.hasSubscribers;
}

export function publishWeights(event: WeightsEvent): void {
  weights.publish(event);
}

export function publishResolution(event: ResolutionEvent): void {
  trace(`${event.target}: ${event.outcome}, ${event.endpoints} endpoints; ${event.note}`);
  if (resolutions.hasSubscribers) resolutions.publish(event);
}

export function publishEndpoint(event: EndpointEvent): void {
  trace(`${event.target} ${event.policy}: ${event.endpoint} ${event.change}`);
  if (endpoints.hasSubscribers) endpoints.publish(event);
}
