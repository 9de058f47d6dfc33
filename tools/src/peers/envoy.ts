import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { certFile, keyFile, type Subject, type SubjectSetup } from './subject-setup.ts';

/** HTTP/2 on both sides and ROUND_ROBIN over a static cluster; timeouts off as its documentation has it for gRPC streams. */
export const envoy: Subject = {
  version: { command: 'envoy', args: ['--version'] },
  command(setup) {
    const conf = join(setup.folder, 'envoy.json');
    writeFileSync(conf, JSON.stringify(configuration(setup)));
    const quiet = ['--log-level', 'off', '--use-dynamic-base-id', '--disable-hot-restart'];
    return { command: 'envoy', args: ['-c', conf, '--concurrency', '1', ...quiet] };
  },
};

function configuration({ port, backendPorts, folder, tls }: SubjectSetup): unknown {
  const address = (number: number): unknown => ({ socket_address: { address: '127.0.0.1', port_value: number } });
  const type = (name: string): string => `type.googleapis.com/envoy.extensions.${name}`;
  const manager = {
    '@type': type('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    codec_type: 'HTTP2',
    stat_prefix: 'bench',
    // A stream of calls is meant to last; Envoy would end it after 15 s.
    stream_idle_timeout: '0s',
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'back', timeout: '0s' } }],
        },
      ],
    },
    http_filters: [{ name: 'router', typed_config: { '@type': type('filters.http.router.v3.Router') } }],
  };
  const security = {
    name: 'tls',
    typed_config: {
      '@type': type('transport_sockets.tls.v3.DownstreamTlsContext'),
      common_tls_context: {
        alpn_protocols: ['h2'],
        tls_certificates: [
          { certificate_chain: { filename: certFile(folder) }, private_key: { filename: keyFile(folder) } },
        ],
      },
    },
  };
  return {
    static_resources: {
      listeners: [
        {
          address: address(port),
          filter_chains: [
            {
              filters: [{ name: 'http', typed_config: manager }],
              ...(tls === undefined ? {} : { transport_socket: security }),
            },
          ],
        },
      ],
      clusters: [
        {
          name: 'back',
          connect_timeout: '5s',
          lb_policy: 'ROUND_ROBIN',
          // Its default of 1024 requests under way is a circuit breaker, which is not what is measured.
          circuit_breakers: { thresholds: [{ max_requests: 100_000, max_pending_requests: 100_000 }] },
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': type('upstreams.http.v3.HttpProtocolOptions'),
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: {
            cluster_name: 'back',
            endpoints: [
              { lb_endpoints: backendPorts.map((backendPort) => ({ endpoint: { address: address(backendPort) } })) },
            ],
          },
        },
      ],
    },
  };
}
