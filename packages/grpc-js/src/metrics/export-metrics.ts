import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { balance, callTotals } from '../balance/balance-report.ts';
import type { ConnectionEvent, EndpointEvent, ResolutionEvent, WeightsEvent } from '../events.ts';
import type { InstrumentOptions, MeterLike, ObservableLike, ObserveCallback } from './meter.ts';
import type { MetricName } from './metric-names.ts';
import { METRICS } from './metric-names.ts';

/**
 * gRFC A66: of methods that are not told apart. An attempt is seen by its policy, and PickArgs have no method; a ConfigSelector of
 * ours could add it to each call's pick, but would have to find the method's config in grpc-js's place.
 */
const OTHER_METHODS = 'other';

/**
 * Gives what happens in all channels of this process to an OpenTelemetry `Meter`, or an object like it, under the names of gRFCs A66,
 * A78, A91 and A94. Calls cost nothing more by it: what is counted anyway is read when the meter is collected.
 *
 * @returns ends it
 */
export function exportMetrics(meter: MeterLike): () => void {
  const ends: (() => void)[] = [];
  const counter = (name: MetricName): ReturnType<MeterLike['createCounter']> =>
    meter.createCounter(name, optionsOf(name));
  const observe = (observable: ObservableLike, callback: ObserveCallback): void => {
    observable.addCallback(callback);
    ends.push(() => observable.removeCallback(callback));
  };
  const on = (channel: string, onMessage: (message: unknown) => void): void => {
    subscribe(channel, onMessage);
    ends.push(() => unsubscribe(channel, onMessage));
  };

  observe(
    meter.createObservableCounter('grpc.client.attempt.started', optionsOf('grpc.client.attempt.started')),
    (result) => {
      for (const [target, { started }] of callTotals()) {
        result.observe(started, { 'grpc.target': target, 'grpc.method': OTHER_METHODS });
      }
    },
  );
  const ofEndpoints = [
    ['steelyard.client.endpoint.calls', 'calls'],
    ['steelyard.client.endpoint.failures', 'failed'],
    ['steelyard.client.endpoint.active', 'active'],
  ] as const;
  for (const [name, field] of ofEndpoints) {
    const isCounter = METRICS[name][0] === 'counter';
    const observable = isCounter
      ? meter.createObservableCounter(name, optionsOf(name))
      : meter.createObservableGauge(name, optionsOf(name));
    observe(observable, (result) => {
      for (const [key, value] of endpointSums(field)) {
        const [target = '', endpoint = ''] = key.split(' ');
        result.observe(value, { 'grpc.target': target, 'steelyard.endpoint': endpoint });
      }
    });
  }

  const connections = {
    opened: counter('grpc.subchannel.connection_attempts_succeeded'),
    failed: counter('grpc.subchannel.connection_attempts_failed'),
    closed: counter('grpc.subchannel.disconnections'),
  };
  const open = meter.createUpDownCounter(
    'grpc.subchannel.open_connections',
    optionsOf('grpc.subchannel.open_connections'),
  );
  on('steelyard.grpc-js.connection', (message) => {
    if (!isConnectionEvent(message)) return;
    const attributes = { 'grpc.target': message.target };
    connections[message.change].add(1, attributes);
    if (message.change !== 'failed') open.add(message.change === 'opened' ? 1 : -1, attributes);
  });

  const ejections = counter('grpc.lb.outlier_detection.ejections_enforced_total');
  on('steelyard.grpc-js.endpoint', (message) => {
    if (!isEndpointEvent(message) || message.change !== 'ejected') return;
    ejections.add(1, { 'grpc.target': message.target });
  });

  const resolutions = counter('steelyard.client.resolutions');
  on('steelyard.grpc-js.resolution', (message) => {
    if (!isResolutionEvent(message)) return;
    resolutions.add(1, { 'grpc.target': message.target, 'steelyard.outcome': message.outcome });
  });

  const fallbacks = counter('grpc.lb.wrr.rr_fallback');
  const stale = counter('grpc.lb.wrr.endpoint_weight_stale');
  const notYetUsable = counter('grpc.lb.wrr.endpoint_weight_not_yet_usable');
  const weights = meter.createHistogram('grpc.lb.wrr.endpoint_weights', optionsOf('grpc.lb.wrr.endpoint_weights'));
  on('steelyard.grpc-js.weights', (message) => {
    if (!isWeightsEvent(message)) return;
    const attributes = { 'grpc.target': message.target };
    if (message.weights.filter((weight) => weight > 0).length < 2) fallbacks.add(1, attributes);
    if (message.stale > 0) stale.add(message.stale, attributes);
    if (message.notYetUsable > 0) notYetUsable.add(message.notYetUsable, attributes);
    for (const weight of message.weights) weights.record(weight, attributes);
  });
  return () => {
    for (const end of ends.splice(0)) end();
  };
}

/** Channels may share a target, and their endpoints. */
function endpointSums(field: 'calls' | 'failed' | 'active'): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { target, endpoints } of balance()) {
    for (const endpoint of endpoints) {
      const key = `${target} ${endpoint.endpoint}`;
      sums.set(key, (sums.get(key) ?? 0) + endpoint[field]);
    }
  }
  return sums;
}

export function optionsOf(name: MetricName): InstrumentOptions {
  const [, unit, description] = METRICS[name];
  return { unit, description };
}

// The channels carry our own events only.
function isOurs(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'target' in message;
}
const isConnectionEvent = (message: unknown): message is ConnectionEvent => isOurs(message);
const isEndpointEvent = (message: unknown): message is EndpointEvent => isOurs(message);
const isResolutionEvent = (message: unknown): message is ResolutionEvent => isOurs(message);
const isWeightsEvent = (message: unknown): message is WeightsEvent => isOurs(message);
