import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort, startProcess, type StartedProcess } from './start-process.ts';

/** The authority calls are sent to: the Service that the manifests below describe. */
export const AUTHORITY = 'bench.default.svc.cluster.local:8000';

export const SUBJECT_NAMES = ['steelyard', 'nghttpx', 'haproxy', 'nginx', 'envoy'] as const;
export type SubjectName = (typeof SUBJECT_NAMES)[number];

export function isSubjectName(text: string): text is SubjectName {
  return SUBJECT_NAMES.some((name) => name === text);
}

export interface RunningSubject {
  readonly name: SubjectName;
  readonly port: number;
  readonly process: StartedProcess;
  stop(): Promise<void>;
}

interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

interface Subject {
  /** Prints its version. */
  readonly version: Command;
  /** Writes what it needs into `folder`; one worker, one upstream speaking h2c on `backendPort` of 127.0.0.1. */
  command(port: number, backendPort: number, folder: string): Command;
}

const root = resolve(import.meta.dirname, '..', '..', '..');
const launcher = join(root, 'packages', 'steelyard', 'bin', 'steelyard.js');

/** Each peer set up for gRPC over h2c the way its own documentation says, logs off as ours are. */
const subjects: Readonly<Record<SubjectName, Subject>> = {
  steelyard: {
    version: { command: process.execPath, args: [launcher, '--version'] },
    command(port, backendPort, folder) {
      writeFileSync(join(folder, 'bench.yaml'), manifests(backendPort));
      return {
        command: process.execPath,
        args: [
          launcher,
          'proxy',
          '-f',
          folder,
          '--listen',
          `127.0.0.1:${port}`,
          '--service',
          'bench.default:8000',
          '--workers',
          '1',
        ],
      };
    },
  },
  nghttpx: {
    version: { command: 'nghttpx', args: ['--version'] },
    command(port, backendPort, folder) {
      const conf = join(folder, 'nghttpx.conf');
      writeFileSync(conf, '');
      return {
        command: 'nghttpx',
        args: [
          `--conf=${conf}`,
          `-f127.0.0.1,${port};no-tls`,
          `-b127.0.0.1,${backendPort};;proto=h2`,
          '-n1',
          '--errorlog-file=/dev/null',
          '--accesslog-file=',
        ],
      };
    },
  },
  haproxy: {
    version: { command: 'haproxy', args: ['-v'] },
    command(port, backendPort, folder) {
      const conf = join(folder, 'haproxy.cfg');
      writeFileSync(
        conf,
        `global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  http-reuse always
  # Without it a call that its caller cancels goes on at the backend.
  option abortonclose
frontend front
  bind 127.0.0.1:${port} proto h2
  default_backend back
backend back
  server one 127.0.0.1:${backendPort} proto h2
`,
      );
      return { command: 'haproxy', args: ['-db', '-q', '-f', conf] };
    },
  },
  nginx: {
    version: { command: 'nginx', args: ['-v'] },
    command(port, backendPort, folder) {
      const conf = join(folder, 'nginx.conf');
      writeFileSync(conf, nginxConf(port, backendPort, folder));
      return { command: 'nginx', args: ['-p', folder, '-e', 'stderr', '-c', conf] };
    },
  },
  envoy: {
    version: { command: 'envoy', args: ['--version'] },
    command(port, backendPort, folder) {
      const conf = join(folder, 'envoy.json');
      writeFileSync(conf, JSON.stringify(envoyConfig(port, backendPort)));
      const quiet = ['--log-level', 'off', '--use-dynamic-base-id', '--disable-hot-restart'];
      return { command: 'envoy', args: ['-c', conf, '--concurrency', '1', ...quiet] };
    },
  },
};

/** The version a subject says it has; undefined when it is not installed. */
export function subjectVersion(name: SubjectName): string | undefined {
  const { command, args } = subjects[name].version;
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) return undefined;
  return /\d+\.\d+(?:\.\d+)?/.exec(stdout + stderr)?.[0] ?? 'unknown';
}

/**
 * Starts a subject in front of the backend on `backendPort`; `stop` ends it and removes its files.
 * `wrap` may change its command line, to run it on chosen CPUs.
 */
export async function startSubject(
  name: SubjectName,
  backendPort: number,
  wrap: (command: readonly string[]) => readonly string[] = (command) => command,
): Promise<RunningSubject> {
  const folder = mkdtempSync(join(tmpdir(), `steelyard-${name}-`));
  const port = await freePort();
  const own = subjects[name].command(port, backendPort, folder);
  const [command = own.command, ...args] = wrap([own.command, ...own.args]);
  const cleanUp = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', cleanUp);
  const started = await startProcess(name, command, args, port);
  return {
    name,
    port,
    process: started,
    async stop() {
      await started.stop();
      process.removeListener('exit', cleanUp);
      cleanUp();
    },
  };
}

function manifests(backendPort: number): string {
  return `apiVersion: v1
kind: Service
metadata: { name: bench, namespace: default }
spec:
  clusterIP: 10.97.211.13
  ports:
    - { name: grpc, port: 8000 }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: bench-1
  namespace: default
  labels: { kubernetes.io/service-name: bench }
addressType: IPv4
ports:
  - { name: grpc, port: ${backendPort} }
endpoints:
  - addresses: [127.0.0.1]
`;
}

function nginxConf(port: number, backendPort: number, folder: string): string {
  // `http2 on` came with 1.25.1, which deprecates the parameter of `listen`.
  const [major = 0, minor = 0, patch = 0] = (subjectVersion('nginx') ?? '').split('.').map(Number);
  const modern = major > 1 || minor > 25 || (minor === 25 && patch >= 1);
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  # The defaults close a connection after 1000 requests, which gRPC callers see as failed calls.
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_max_body_size 0;
  client_body_temp_path ${folder}/body;
  grpc_read_timeout 1h;
  grpc_send_timeout 1h;
  upstream back {
    server 127.0.0.1:${backendPort};
    keepalive 256;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port}${modern ? '' : ' http2'};
    ${modern ? 'http2 on;' : ''}
    location / { grpc_pass grpc://back; }
  }
}
`;
}

function envoyConfig(port: number, backendPort: number): unknown {
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
  return {
    static_resources: {
      listeners: [
        {
          address: address(port),
          filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
        },
      ],
      clusters: [
        {
          name: 'back',
          connect_timeout: '5s',
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
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(backendPort) } }] }],
          },
        },
      ],
    },
  };
}
