/** One metric as Prometheus knows it: several series that differ in their labels. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

type MetricKey =
  | 'serverCallsStarted'
  | 'serverCallDuration'
  | 'attemptsStarted'
  | 'attemptDuration'
  | 'endpointCalls'
  | 'endpointActive'
  | 'endpointConnections'
  | 'connections'
  | 'connectionsOpened'
  | 'connectionsFailed'
  | 'receivedBytes'
  | 'sentBytes'
  | 'tlsHandshakeFailures'
  | 'accessLogDropped'
  | 'ready'
  | 'configVersion'
  | 'configDiagnostics'
  | 'workers'
  | 'workerConnections'
  | 'workerRestarts'
  | 'cpuSeconds'
  | 'residentBytes'
  | 'startTime';

/**
 * Every metric there is. The names that begin with `grpc_` are those of gRFC A66 (OpenTelemetry metrics of gRPC) as its
 * Prometheus exporters spell them; those that begin with `process_` are every Prometheus client's.
 */
export const METRICS: Readonly<Record<MetricKey, MetricFamily>> = {
  serverCallsStarted: {
    name: 'grpc_server_call_started_total',
    type: 'counter',
    help: 'Calls that came in.',
    labels: ['grpc_method'],
  },
  serverCallDuration: {
    name: 'grpc_server_call_duration_seconds',
    type: 'histogram',
    help: 'Time from the header of a call to the end of its response.',
    labels: ['grpc_method', 'grpc_status'],
  },
  attemptsStarted: {
    name: 'grpc_client_attempt_started_total',
    type: 'counter',
    help: 'Attempts to have a call served by a pod.',
    labels: ['grpc_method', 'grpc_target'],
  },
  attemptDuration: {
    name: 'grpc_client_attempt_duration_seconds',
    type: 'histogram',
    help: 'Time from sending a call to a pod to the end of its response.',
    labels: ['grpc_method', 'grpc_target', 'grpc_status'],
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
    help: 'Connections to a pod.',
    labels: ['endpoint'],
  },
  connections: {
    name: 'steelyard_connections',
    type: 'gauge',
    help: 'Open connections, of callers (downstream) and to pods (upstream).',
    labels: ['side'],
  },
  connectionsOpened: {
    name: 'steelyard_connections_opened_total',
    type: 'counter',
    help: 'Connections that were opened.',
    labels: ['side'],
  },
  connectionsFailed: {
    name: 'steelyard_connections_failed_total',
    type: 'counter',
    help: 'Connections that an error of the socket ended, a refused one among them.',
    labels: ['side'],
  },
  receivedBytes: {
    name: 'steelyard_received_bytes_total',
    type: 'counter',
    help: 'Octets read from connections.',
    labels: ['side'],
  },
  sentBytes: {
    name: 'steelyard_sent_bytes_total',
    type: 'counter',
    help: 'Octets written to connections.',
    labels: ['side'],
  },
  tlsHandshakeFailures: {
    name: 'steelyard_tls_handshake_failures_total',
    type: 'counter',
    help: 'Connections of callers whose TLS handshake failed, or was not for HTTP/2.',
    labels: [],
  },
  accessLogDropped: {
    name: 'steelyard_access_log_dropped_lines_total',
    type: 'counter',
    help: 'Lines of the access log that were dropped as the file or pipe did not keep up.',
    labels: [],
  },
  ready: {
    name: 'steelyard_ready',
    type: 'gauge',
    help: '1 while /readyz says yes.',
    labels: [],
  },
  configVersion: {
    name: 'steelyard_config_version',
    type: 'gauge',
    help: 'Version of the Snapshot in use.',
    labels: [],
  },
  configDiagnostics: {
    name: 'steelyard_config_diagnostics',
    type: 'gauge',
    help: 'Findings about the objects that the Snapshot was made of.',
    labels: ['severity'],
  },
  workers: {
    name: 'steelyard_workers',
    type: 'gauge',
    help: 'Worker processes that take connections.',
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
    help: 'Worker processes that ended by themselves and were replaced.',
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
