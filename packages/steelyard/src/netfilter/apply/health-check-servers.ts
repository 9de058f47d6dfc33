import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Snapshot } from '@steelyard/core/model';
import type { Logger } from '../../log.ts';

/** A Service whose load balancer asks each node whether it has endpoints (`healthCheckNodePort`). */
export interface HealthCheck {
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
  /** Ready endpoints on the node, by distinct address; of two families the one that has more. */
  readonly localEndpoints: number;
}

/** Of type LoadBalancer with the external policy Local. Endpoints that only serve while they terminate do not count. */
export function healthChecks({ services }: Pick<Snapshot, 'services'>, nodeName: string | undefined): HealthCheck[] {
  return [...services.values()].flatMap(({ service, ports }) => {
    const { namespace, name, healthCheckNodePort: port, externalTrafficPolicy, serviceProxyName } = service;
    if (port === undefined || externalTrafficPolicy !== 'Local' || serviceProxyName !== undefined) return [];
    const ready = ports.flatMap(({ endpoints }) => endpoints).filter(({ conditions }) => conditions.ready);
    const local = ready.filter((endpoint) => nodeName !== undefined && endpoint.nodeName === nodeName);
    const count = (family: string): number =>
      new Set(local.filter((each) => each.family === family).map(({ address }) => address)).size;
    return [{ namespace, service: name, port, localEndpoints: Math.max(count('IPv4'), count('IPv6')) }];
  });
}

export interface HealthCheckServers {
  /** Opens the ports that came, closes those that went, and answers with the new numbers from now on. */
  update(checks: readonly HealthCheck[]): Promise<void>;
  close(): Promise<void>;
}

export interface HealthCheckOptions {
  /** Whether the node's rules are what they should be: if not, no load balancer shall send here. */
  readonly isHealthy: () => boolean;
  readonly log: Logger;
  /** Default: all addresses of the node. */
  readonly host?: string;
}

/** kube-proxy's answer: 200 with local endpoints and healthy rules, else 503 (`pkg/proxy/healthcheck`). */
export function createHealthCheckServers({ isHealthy, log, host }: HealthCheckOptions): HealthCheckServers {
  const open = new Map<number, { readonly server: Server; check: HealthCheck }>();

  async function start(check: HealthCheck): Promise<void> {
    const server = createServer((_, response) => answer(open.get(check.port)?.check ?? check, isHealthy(), response));
    open.set(check.port, { server, check });
    try {
      server.listen(check.port, host);
      await once(server, 'listening');
    } catch (error) {
      open.delete(check.port);
      const why = error instanceof Error ? error.message : String(error);
      log.error(`health checks of ${check.namespace}/${check.service} are not answered on port ${check.port}: ${why}`);
    }
  }

  async function stop(port: number): Promise<void> {
    const server = open.get(port)?.server;
    open.delete(port);
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
  }

  return {
    async update(checks) {
      const wanted = new Set(checks.map(({ port }) => port));
      await Promise.all([...open.keys()].filter((port) => !wanted.has(port)).map(stop));
      await Promise.all(
        checks.map(async (check) => {
          const known = open.get(check.port);
          if (known === undefined) await start(check);
          else known.check = check;
        }),
      );
    },
    async close() {
      await Promise.all([...open.keys()].map(stop));
    },
  };
}

function answer(check: HealthCheck, serviceProxyHealthy: boolean, response: ServerResponse): void {
  const { namespace, service: name, localEndpoints } = check;
  response.writeHead(localEndpoints > 0 && serviceProxyHealthy ? 200 : 503, {
    'content-type': 'application/json',
    'x-content-type-options': 'nosniff',
    'x-load-balancing-endpoint-weight': String(localEndpoints),
  });
  response.end(JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }));
}
