/** All our annotations begin so; what stands behind it is their name. */
export const ANNOTATION_PREFIX = 'steelyard.dev/';

export type AnnotationName =
  | 'load-balancer'
  | 'subset-size'
  | 'health-check'
  | 'hedging'
  | 'success-rate-ejection'
  | 'failure-percentage-ejection'
  | 'grpc';

/** One row of `docs/annotations.md`. */
export interface AnnotationKind {
  readonly on: readonly ('Service' | 'DestinationRule')[];
  /** One sentence. */
  readonly meaning: string;
  /** What may be said; `(x)` behind a key is its default. */
  readonly values: string;
  readonly example: string;
}

const BOTH = ['Service', 'DestinationRule'] as const;

export const ANNOTATIONS: Readonly<Record<AnnotationName, AnnotationKind>> = {
  'load-balancer': {
    on: BOTH,
    meaning: 'Takes the place of `loadBalancer.simple` and `consistentHash`.',
    values:
      '`peak-ewma`, `weighted-round-robin`, `round-robin`, `random`, `least-request` with `choices` (2), `ring-hash` with a key and `minimum-ring-size` (1024), `maglev` with a key and `table-size` (65537); a key is one of `header=NAME`, `cookie=NAME`, `query-parameter=NAME`, `source-address=true`',
    example: 'peak-ewma',
  },
  'subset-size': {
    on: BOTH,
    meaning: 'Each proxy and each client uses so many of the endpoints, chosen at random once (gRFC A68).',
    values: 'a whole number from 1 to 100000, or `off`',
    example: '20',
  },
  'health-check': {
    on: BOTH,
    meaning: 'Asks every endpoint for its health by `grpc.health.v1`; those that are not serving get no calls.',
    values:
      '`on`, `off`, or any of `service` (the server as a whole), `interval` (10s), `timeout` (1s), `unhealthy-threshold` (2), `healthy-threshold` (1)',
    example: 'interval=5s,timeout=1s,service=echo.Echo',
  },
  hedging: {
    on: BOTH,
    meaning:
      'Sends a unary call again to another pod when no answer has begun after the delay; the first answer wins (gRFC A6). Only for calls that may be done twice.',
    values: '`off`, or `max-attempts` (2, at most 5) and `delay` (required)',
    example: 'max-attempts=2,delay=50ms',
  },
  'success-rate-ejection': {
    on: BOTH,
    meaning: 'Leaves out endpoints whose success rate is far below the mean of all (gRFC A50).',
    values: '`on`, `off`, or any of `stdev-factor` (1900), `minimum-hosts` (5), `request-volume` (100)',
    example: 'stdev-factor=1900,minimum-hosts=3',
  },
  'failure-percentage-ejection': {
    on: BOTH,
    meaning: 'Leaves out endpoints of whose calls too many fail (gRFC A50).',
    values: '`on`, `off`, or any of `threshold` (85), `minimum-hosts` (5), `request-volume` (50)',
    example: 'threshold=50,request-volume=20',
  },
  grpc: {
    on: ['Service'],
    meaning:
      'Which TCP ports carry gRPC, whatever their names say: with `steelyard node`, their calls are balanced one by one.',
    values: '`true` (all), `false` (none), or names and numbers of ports',
    example: '8000,admin',
  },
};
