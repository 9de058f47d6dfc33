import type { BalancerOptions } from '../grpc-api.ts';

/**
 * The options of a channel for one of its connections. A second connection to the same endpoint is another one by its number.
 *
 * Plain values only: grpc-js tells connections apart by them.
 */
export function connectionOptions(options: BalancerOptions, number = 0): BalancerOptions {
  return number === 0 ? options : { ...options, 'steelyard.connection': number };
}

/** With pings of grpc-js's own there is no need of ours. */
export function hasOwnKeepalive(options: BalancerOptions): boolean {
  return options['grpc.keepalive_time_ms'] !== undefined;
}
