import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MOST_CONNECTIONS, type Subject } from './subject-setup.ts';

/**
 * `proto h2` on both sides, as its documentation has it for gRPC. `http-reuse always`, for the default keeps an h2
 * connection to a backend for one caller's connection. One thread.
 */
export const haproxy: Subject = {
  version: { command: 'haproxy', args: ['-v'] },
  command({ port, backendPorts, folder, tls }) {
    const conf = join(folder, 'haproxy.cfg');
    const pem = join(folder, 'haproxy.pem');
    if (tls !== undefined) writeFileSync(pem, tls.cert + tls.key, { mode: 0o600 });
    writeFileSync(
      conf,
      `global
  nbthread 1
  maxconn ${MOST_CONNECTIONS}
  # It would ask for two file descriptors a connection and refuse to start without them.
  no strict-limits
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  http-reuse always
  # Without it a call that its caller cancels goes on at the backend.
  option abortonclose
frontend front
  bind 127.0.0.1:${port} ${tls === undefined ? 'proto h2' : `ssl crt ${pem} alpn h2`}
  default_backend back
backend back
  balance roundrobin
${backendPorts.map((backendPort) => `  server pod-${backendPort} 127.0.0.1:${backendPort} proto h2\n`).join('')}`,
    );
    return { command: 'haproxy', args: ['-db', '-q', '-f', conf] };
  },
};
