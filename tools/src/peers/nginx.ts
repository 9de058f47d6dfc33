import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { certFile, keyFile, MOST_CONNECTIONS, type Command, type Subject, type SubjectSetup } from './subject-setup.ts';
import { versionOf } from './version.ts';

const version: Command = { command: 'nginx', args: ['-v'] };

/** `grpc_pass` over an `upstream` with keepalive. It has one call under way on each connection to a backend. */
export const nginx: Subject = {
  version,
  command(setup) {
    const conf = join(setup.folder, 'nginx.conf');
    writeFileSync(conf, configuration(setup));
    return { command: 'nginx', args: ['-p', setup.folder, '-e', 'stderr', '-c', conf] };
  },
};

function configuration({ port, backendPorts, folder, tls }: SubjectSetup): string {
  // `http2 on` came with 1.25.1, which deprecates the parameter of `listen`.
  const [major = 0, minor = 0, patch = 0] = (versionOf(version) ?? '').split('.').map(Number);
  const modern = major > 1 || minor > 25 || (minor === 25 && patch >= 1);
  const files = tls === undefined ? '' : `ssl_certificate ${certFile(folder)}; ssl_certificate_key ${keyFile(folder)};`;
  return `daemon off;
worker_processes 1;
worker_rlimit_nofile ${MOST_CONNECTIONS + 4096};
pid ${folder}/nginx.pid;
events { worker_connections ${MOST_CONNECTIONS + 2048}; }
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
${backendPorts.map((backendPort) => `    server 127.0.0.1:${backendPort};\n`).join('')}    keepalive 1024;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port}${tls === undefined ? '' : ' ssl'}${modern ? '' : ' http2'};
    ${modern ? 'http2 on;' : ''}
    ${files}
    location / { grpc_pass grpc://back; }
  }
}
`;
}
