import type { BalancerOptions } from './grpc-api.ts';

/** gRFC A8: clients should not ping more often than every 10 s; grpc-js has no pings unless told to. */
const KEEPALIVE_TIME_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5000;

/**
 * The options of a channel, completed by what keeps a call from waiting on a dead Pod for ever: pings while calls are under
 * way, so that a Pod whose node is gone is noticed within 15 s. A channel's own `grpc.keepalive_time_ms` holds; a server
 * that forbids pings doubles the interval each time it says so (GOAWAY `too_many_pings`).
 *
 * A second connection to the same endpoint is another one by its number.
 *
 * Plain values only: grpc-js tells connections apart by them.
 */
export function connectionOptions(options: BalancerOptions, number = 0): BalancerOptions {
  const numbered = number === 0 ? options : { ...options, 'steelyard.connection': number };
  if (options['grpc.keepalive_time_ms'] !== undefined) return numbered;
  return {
    ...numbered,
    'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
    'grpc.keepalive_timeout_ms': options['grpc.keepalive_timeout_ms'] ?? KEEPALIVE_TIMEOUT_MS,
  };
}
