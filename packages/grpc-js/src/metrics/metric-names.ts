export type MetricKind = 'counter' | 'up-down counter' | 'histogram' | 'gauge';

export type MetricName =
  | 'grpc.client.call.duration'
  | 'grpc.client.attempt.started'
  | 'grpc.subchannel.connection_attempts_succeeded'
  | 'grpc.subchannel.connection_attempts_failed'
  | 'grpc.subchannel.disconnections'
  | 'grpc.subchannel.open_connections'
  | 'grpc.lb.wrr.rr_fallback'
  | 'grpc.lb.wrr.endpoint_weight_not_yet_usable'
  | 'grpc.lb.wrr.endpoint_weight_stale'
  | 'grpc.lb.wrr.endpoint_weights'
  | 'grpc.lb.outlier_detection.ejections_enforced_total'
  | 'steelyard.client.endpoint.calls'
  | 'steelyard.client.endpoint.failures'
  | 'steelyard.client.endpoint.active'
  | 'steelyard.client.resolutions';

/** Kind, unit and meaning of every metric; the guide has them as a table, which a test compares. */
export const METRICS: Readonly<Record<MetricName, readonly [kind: MetricKind, unit: string, description: string]>> = {
  'grpc.client.call.duration': [
    'histogram',
    's',
    'From the start of a call to its status (gRFC A66). By `callMetrics`.',
  ],
  'grpc.client.attempt.started': ['counter', '{attempt}', 'Attempts of calls that got an endpoint (gRFC A66).'],
  'grpc.subchannel.connection_attempts_succeeded': ['counter', '{attempt}', 'Connections opened (gRFC A94).'],
  'grpc.subchannel.connection_attempts_failed': [
    'counter',
    '{attempt}',
    'Connections that could not be opened (gRFC A94).',
  ],
  'grpc.subchannel.disconnections': [
    'counter',
    '{disconnection}',
    'Connections that are gone, for any reason (gRFC A94).',
  ],
  'grpc.subchannel.open_connections': ['up-down counter', '{connection}', 'Connections that are there (gRFC A94).'],
  'grpc.lb.wrr.rr_fallback': ['counter', '{update}', 'Updates with fewer than two weights: all are equal (gRFC A78).'],
  'grpc.lb.wrr.endpoint_weight_not_yet_usable': [
    'counter',
    '{endpoint}',
    'Endpoints of an update without a weight yet (gRFC A78).',
  ],
  'grpc.lb.wrr.endpoint_weight_stale': [
    'counter',
    '{endpoint}',
    'Endpoints of an update whose weight is too old (gRFC A78).',
  ],
  'grpc.lb.wrr.endpoint_weights': ['histogram', '{weight}', 'Weights of the endpoints at each update (gRFC A78).'],
  'grpc.lb.outlier_detection.ejections_enforced_total': [
    'counter',
    '{ejection}',
    'Endpoints that were ejected (gRFC A91).',
  ],
  'steelyard.client.endpoint.calls': ['counter', '{call}', 'Calls of each endpoint that is there.'],
  'steelyard.client.endpoint.failures': ['counter', '{call}', 'Those of them that ended with another status than OK.'],
  'steelyard.client.endpoint.active': ['gauge', '{call}', 'Calls under way on each endpoint.'],
  'steelyard.client.resolutions': ['counter', '{resolution}', 'Look-ups and watch events, by `steelyard.outcome`.'],
};
