import type { MetricFamily } from '../../metric-text.ts';

type MetricKey =
  | 'serverCallsStarted'
  | 'serverCallDuration'
  | 'attemptsStarted'
  | 'attemptDuration'
  | 'retries'
  | 'transparentRetries'
  | 'hedges'
  | 'mirrored'
  | 'endpointCalls'
  | 'endpointActive'
  | 'endpointConnections'
  | 'endpointEjected'
  | 'endpointEjections'
  | 'endpointUnhealthy'
  | 'clusterActive'
  | 'clusterWaiting'
  | 'clusterRefused'
  | 'connections'
  | 'connectionsOpened'
  | 'connectionsFailed'
  | 'connectionsEnded'
  | 'streamsReset'
  | 'receivedBytes'
  | 'sentBytes'
  | 'heldBytes'
  | 'refusedStreams'
  | 'relievedConnections'
  | 'refusedConnections'
  | 'tlsHandshakeFailures'
  | 'accessLogDropped'
  | 'ready'
  | 'configVersion'
  | 'configDiagnostics'
  | 'workers'
  | 'workerConnections'
  | 'workerRestarts'
  | 'workerHangs'
  | 'cpuSeconds'
  | 'residentBytes'
  | 'startTime';

/**
 * Every metric there is. The names that begin with `grpc_` are those of gRFC A66 and A96 (OpenTelemetry metrics of gRPC) as its
 * Prometheus exporters spell them; those that begin with `process_` are every Prometheus client's.
 */
export const METRICS: Readonly<Record<MetricKey, MetricFamily>> = {
  serverCallsStarted: {
    name: 'grpc_server_call_started_total',
    type: 'counter',
    help: 'Calls that callers have begun.',
    labels: ['grpc_method'],
  },
  serverCallDuration: {
    name: 'grpc_server_call_duration_seconds',
    type: 'histogram',
    help: 'Time from the header of a call to the end of its response, by the status that its caller got.',
    labels: ['grpc_method', 'grpc_status'],
  },
  attemptsStarted: {
    name: 'grpc_client_attempt_started_total',
    type: 'counter',
    help: 'Calls that were sent to a pod. Retries, hedges and mirrored copies count as well.',
    labels: ['grpc_method', 'grpc_target'],
  },
  attemptDuration: {
    name: 'grpc_client_attempt_duration_seconds',
    type: 'histogram',
    help: 'Time from sending a call to a pod to the end of its response, by the status of that attempt.',
    labels: ['grpc_method', 'grpc_target', 'grpc_status'],
  },
  retries: {
    name: 'grpc_client_call_retries_total',
    type: 'counter',
    help: "Attempts that a route's retry policy added.",
    labels: ['grpc_method', 'grpc_target'],
  },
  transparentRetries: {
    name: 'grpc_client_call_transparent_retries_total',
    type: 'counter',
    help: 'Attempts made at once because certainly no pod had looked at the call (refused, or never sent).',
    labels: ['grpc_method', 'grpc_target'],
  },
  hedges: {
    name: 'grpc_client_call_hedges_total',
    type: 'counter',
    help: 'Attempts that were begun beside another of the same call (hedging).',
    labels: ['grpc_method', 'grpc_target'],
  },
  mirrored: {
    name: 'steelyard_mirrored_calls_total',
    type: 'counter',
    help: 'Copies of calls that a mirror rule sent to a pod. Their answers are dropped.',
    labels: ['grpc_method', 'grpc_target'],
  },
  endpointCalls: {
    name: 'steelyard_endpoint_calls_total',
    type: 'counter',
    help: 'Attempts that ended at a pod, by status.',
    labels: ['endpoint', 'grpc_status'],
  },
  endpointActive: {
    name: 'steelyard_endpoint_active_calls',
    type: 'gauge',
    help: 'Calls under way at a pod.',
    labels: ['endpoint'],
  },
  endpointConnections: {
    name: 'steelyard_endpoint_connections',
    type: 'gauge',
    help: 'Connections to a pod, those that are being made among them.',
    labels: ['endpoint'],
  },
  endpointEjected: {
    name: 'steelyard_endpoint_ejected',
    type: 'gauge',
    help: '1 while a pod is ejected for failing (outlierDetection), else 0. Absent for pods that never were.',
    labels: ['grpc_target', 'endpoint'],
  },
  endpointEjections: {
    name: 'steelyard_endpoint_ejections_total',
    type: 'counter',
    help: 'How often a pod was ejected for failing (outlierDetection).',
    labels: ['grpc_target', 'endpoint'],
  },
  endpointUnhealthy: {
    name: 'steelyard_endpoint_unhealthy',
    type: 'gauge',
    help: '1 while active health checks find a pod unhealthy, else 0. Absent for pods that are not checked.',
    labels: ['grpc_target', 'endpoint'],
  },
  clusterActive: {
    name: 'steelyard_cluster_active_calls',
    type: 'gauge',
    help: 'Calls under way at the pods of a cluster.',
    labels: ['grpc_target'],
  },
  clusterWaiting: {
    name: 'steelyard_cluster_waiting_calls',
    type: 'gauge',
    help: 'Calls that no pod has yet: they wait for a connection to be made, or for room at one.',
    labels: ['grpc_target'],
  },
  clusterRefused: {
    name: 'steelyard_cluster_refused_total',
    type: 'counter',
    help: 'What a limit of a cluster has refused. Limits maxRequests and maxPendingRequests refuse calls, maxConnections connections, retries (the retry budget) retries.',
    labels: ['grpc_target', 'limit'],
  },
  connections: {
    name: 'steelyard_connections',
    type: 'gauge',
    help: 'Open connections: downstream are those of callers, upstream those to pods.',
    labels: ['side'],
  },
  connectionsOpened: {
    name: 'steelyard_connections_opened_total',
    type: 'counter',
    help: 'Connections that callers have opened (downstream), or that were begun to pods (upstream).',
    labels: ['side'],
  },
  connectionsFailed: {
    name: 'steelyard_connections_failed_total',
    type: 'counter',
    help: 'Connections that ended with an error: refused, reset, not made in time.',
    labels: ['side'],
  },
  connectionsEnded: {
    name: 'steelyard_connections_ended_total',
    type: 'counter',
    help: 'Connections that the proxy ended since the other side broke HTTP/2, flooded it, or did not answer, by HTTP/2 error code.',
    labels: ['side', 'code'],
  },
  streamsReset: {
    name: 'steelyard_streams_reset_total',
    type: 'counter',
    help: 'Calls that the proxy reset since their messages broke HTTP/2, or too much waited for a reader, by HTTP/2 error code.',
    labels: ['side', 'code'],
  },
  receivedBytes: {
    name: 'steelyard_received_bytes_total',
    type: 'counter',
    help: 'Octets read from connections, without TLS.',
    labels: ['side'],
  },
  sentBytes: {
    name: 'steelyard_sent_bytes_total',
    type: 'counter',
    help: 'Octets written to connections, without TLS.',
    labels: ['side'],
  },
  heldBytes: {
    name: 'steelyard_held_bytes',
    type: 'gauge',
    help: 'Octets held in memory for peers: data that they have not taken yet, and the headers of open calls (docs/limits.md).',
    labels: [],
  },
  refusedStreams: {
    name: 'steelyard_refused_streams_total',
    type: 'counter',
    help: 'Calls refused because the process held more than maxProcessLength for peers (docs/limits.md).',
    labels: [],
  },
  relievedConnections: {
    name: 'steelyard_relieved_connections_total',
    type: 'counter',
    help: 'Connections closed, or relieved of some calls, because the process held more than maxProcessLength and they the most.',
    labels: [],
  },
  refusedConnections: {
    name: 'steelyard_refused_connections_total',
    type: 'counter',
    help: 'Connections of callers that were closed at once because there were maxConnections already.',
    labels: [],
  },
  tlsHandshakeFailures: {
    name: 'steelyard_tls_handshake_failures_total',
    type: 'counter',
    help: 'Connections of callers whose TLS handshake failed, or did not agree on HTTP/2.',
    labels: [],
  },
  accessLogDropped: {
    name: 'steelyard_access_log_dropped_lines_total',
    type: 'counter',
    help: 'Lines of the access log that were dropped because the file or pipe did not keep up.',
    labels: [],
  },
  ready: {
    name: 'steelyard_ready',
    type: 'gauge',
    help: '1 while /readyz answers 200, else 0.',
    labels: [],
  },
  configVersion: {
    name: 'steelyard_config_version',
    type: 'gauge',
    help: 'Version of the configuration in use. Each change of objects that matters makes a new one.',
    labels: [],
  },
  configDiagnostics: {
    name: 'steelyard_config_diagnostics',
    type: 'gauge',
    help: 'Findings about the objects in use, as steelyard analyze tells them, by severity.',
    labels: ['severity'],
  },
  workers: {
    name: 'steelyard_workers',
    type: 'gauge',
    help: 'Worker processes that take connections. Absent when there is only one process.',
    labels: [],
  },
  workerConnections: {
    name: 'steelyard_worker_connections',
    type: 'gauge',
    help: 'Connections of callers that a worker process has.',
    labels: ['worker'],
  },
  workerRestarts: {
    name: 'steelyard_worker_restarts_total',
    type: 'counter',
    help: 'Worker processes that ended unexpectedly and were replaced.',
    labels: [],
  },
  workerHangs: {
    name: 'steelyard_worker_hangs_total',
    type: 'counter',
    help: 'How often a worker process did not answer for 15 s. It gets no connections until it does, and is replaced after a minute.',
    labels: [],
  },
  cpuSeconds: {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'CPU time, user and system, of all processes of the proxy.',
    labels: [],
  },
  residentBytes: {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory of all processes of the proxy.',
    labels: [],
  },
  startTime: {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'When the proxy was started, in seconds since the epoch.',
    labels: [],
  },
};
