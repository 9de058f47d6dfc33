import type { Interceptor } from '@grpc/grpc-js';
import { InterceptingCall, status } from '@grpc/grpc-js';
import { optionsOf } from './export-metrics.ts';
import type { MeterLike } from './meter.ts';

export interface CallMetricsOptions {
  /** `grpc.target` of the client, as it was dialled: an interceptor is not told. */
  readonly target: string;
  /** Milliseconds, never going back; default `performance.now`. */
  readonly now?: () => number;
}

/**
 * `grpc.client.call.duration` by method and status (gRFC A66), as an interceptor of a client or of a call:
 * `new Client(target, credentials, { interceptors: [callMetrics(meter, { target })] })`.
 */
export function callMetrics(
  meter: MeterLike,
  { target, now = () => performance.now() }: CallMetricsOptions,
): Interceptor {
  const durations = meter.createHistogram('grpc.client.call.duration', optionsOf('grpc.client.call.duration'));
  return (options, nextCall) => {
    const startedMs = now();
    const { path } = options.method_definition;
    return new InterceptingCall(nextCall(options), {
      start(metadata, _listener, next) {
        next(metadata, {
          onReceiveStatus(outcome, pass) {
            durations.record((now() - startedMs) / 1000, {
              'grpc.method': path.replace(/^\//, ''),
              'grpc.target': target,
              'grpc.status': status[outcome.code] ?? 'UNKNOWN',
            });
            pass(outcome);
          },
        });
      },
    });
  };
}
