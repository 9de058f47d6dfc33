import { OUTLIER_DETECTION, type SubjectKind } from './subject-kind.ts';

const type = (name: string): string => `type.googleapis.com/envoy.${name}`;
const address = (port: number): object => ({ socket_address: { address: '127.0.0.1', port_value: port } });

/** A DiscoveryResponse with the endpoints, for a file that Envoy watches. */
export function envoyEndpoints(ports: readonly number[]): object {
  return {
    resources: [
      {
        '@type': type('config.endpoint.v3.ClusterLoadAssignment'),
        cluster_name: 'backend',
        endpoints: [{ lb_endpoints: ports.map((port) => ({ endpoint: { address: address(port) } })) }],
      },
    ],
  };
}

/** What Istio would make of the same VirtualService and DestinationRule. */
export function envoyBootstrap({ policy, retries }: SubjectKind, port: number, endpointsFile: string): object {
  return {
    node: { id: 'bench', cluster: 'bench' },
    static_resources: { listeners: [listener(port, retries)], clusters: [cluster(policy, endpointsFile)] },
  };
}

function listener(port: number, retries: boolean): object {
  const manager = {
    '@type': type('extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'),
    codec_type: 'HTTP2',
    stat_prefix: 'bench',
    stream_idle_timeout: '0s',
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [
            {
              match: { prefix: '/' },
              route: { cluster: 'backend', timeout: '0s', ...(retries && { retry_policy: RETRY_POLICY }) },
            },
          ],
        },
      ],
    },
    http_filters: [{ name: 'router', typed_config: { '@type': type('extensions.filters.http.router.v3.Router') } }],
  };
  return { address: address(port), filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }] };
}

/** Istio's default (pilot/pkg/networking, `newRetryPolicy`). */
const RETRY_POLICY = {
  retry_on: 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes',
  num_retries: 2,
  host_selection_retry_max_attempts: 5,
  retry_host_predicate: [
    {
      name: 'envoy.retry_host_predicates.previous_hosts',
      typed_config: { '@type': type('extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate') },
    },
  ],
};

function cluster(policy: string, endpointsFile: string): object {
  return {
    name: 'backend',
    type: 'EDS',
    eds_cluster_config: { eds_config: { path_config_source: { path: endpointsFile }, resource_api_version: 'V3' } },
    connect_timeout: '10s',
    lb_policy: policy,
    // Istio's limits are as good as none, and its panic threshold is 0 where there is an outlierDetection.
    circuit_breakers: {
      thresholds: [
        {
          max_connections: 2 ** 32 - 1,
          max_pending_requests: 2 ** 32 - 1,
          max_requests: 2 ** 32 - 1,
          max_retries: 2 ** 32 - 1,
        },
      ],
    },
    common_lb_config: { healthy_panic_threshold: { value: 0 } },
    outlier_detection: {
      consecutive_5xx: OUTLIER_DETECTION.consecutive5xxErrors,
      interval: OUTLIER_DETECTION.interval,
      base_ejection_time: OUTLIER_DETECTION.baseEjectionTime,
      max_ejection_percent: OUTLIER_DETECTION.maxEjectionPercent,
      enforcing_consecutive_gateway_failure: 0,
      enforcing_success_rate: 0,
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': type('extensions.upstreams.http.v3.HttpProtocolOptions'),
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  };
}
