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

const resolutions = channel('steelyard.grpc-js.resolution');
const endpoints = channel('steelyard.grpc-js.endpoint');

export function publishResolution(event: ResolutionEvent): void {
  trace(`${event.target}: ${event.outcome}, ${event.endpoints} endpoints; ${event.note}`);
  if (resolutions.hasSubscribers) resolutions.publish(event);
}

export function publishEndpoint(event: EndpointEvent): void {
  trace(`${event.target} ${event.policy}: ${event.endpoint} ${event.change}`);
  if (endpoints.hasSubscribers) endpoints.publish(event);
}
