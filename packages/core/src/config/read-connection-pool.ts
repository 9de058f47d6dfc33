import type { ConnectionPool } from '../model/index.ts';
import type { FieldReader } from './field-reader.ts';
import { readDurationMs } from './read-duration.ts';

const COUNT = { min: 0, max: 2_147_483_647 } as const;

/** `connectionPool`. Istio's 0 of a limit is the default, which is none. */
export function readConnectionPool(policy: FieldReader): ConnectionPool | undefined {
  const block = policy.mapping('connectionPool');
  if (block === undefined) return undefined;
  if (!block.has('tcp') && !block.has('http')) {
    policy.fail('connectionPool', 'invalid-value', 'Field connectionPool needs tcp or http; add one or remove it.');
  }
  const tcp = readTcp(block);
  const http = readHttp(block);
  block.finish();
  return { ...tcp, ...http };
}

function readTcp(block: FieldReader): ConnectionPool {
  const tcp = block.mapping('tcp');
  if (tcp === undefined) return {};
  const maxConnections = tcp.integer('maxConnections', COUNT);
  const connectTimeoutMs = readDurationMs(tcp, 'connectTimeout');
  const maxConnectionDurationMs = readDurationMs(tcp, 'maxConnectionDuration');
  const idleTimeoutMs = readDurationMs(tcp, 'idleTimeout', 'zero');
  const keepalive = tcp.mapping('tcpKeepalive');
  const probes = keepalive?.integer('probes', { min: 0, max: 4_294_967_295 });
  const timeMs = keepalive && readDurationMs(keepalive, 'time');
  const intervalMs = keepalive && readDurationMs(keepalive, 'interval');
  keepalive?.notHonoured('Node.js asks ten times, a second apart', 'probes', 'interval');
  keepalive?.finish();
  tcp.finish();
  return {
    ...limit('maxConnections', maxConnections),
    ...limit('connectTimeoutMs', connectTimeoutMs),
    ...limit('maxConnectionDurationMs', maxConnectionDurationMs),
    // 0 is for ever (istio.io, `TCPSettings.idleTimeout`).
    ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
    ...(keepalive !== undefined && {
      tcpKeepalive: { ...limit('probes', probes), ...limit('timeMs', timeMs), ...limit('intervalMs', intervalMs) },
    }),
  };
}

function readHttp(block: FieldReader): ConnectionPool {
  const http = block.mapping('http');
  if (http === undefined) return {};
  const maxPendingRequests = http.integer('http1MaxPendingRequests', COUNT);
  const maxRequests = http.integer('http2MaxRequests', COUNT);
  const maxRequestsPerConnection = http.integer('maxRequestsPerConnection', { min: 0, max: 536_870_912 });
  const maxRetries = http.integer('maxRetries', COUNT);
  const idleTimeoutMs = readDurationMs(http, 'idleTimeout');
  const maxConcurrentStreams = http.integer('maxConcurrentStreams', COUNT);
  const keepAlive = http.mapping('http2KeepAlive');
  const intervalMs = keepAlive && readDurationMs(keepAlive, 'interval');
  const timeoutMs = keepAlive && readDurationMs(keepAlive, 'timeout');
  keepAlive?.require('interval');
  keepAlive?.require('timeout');
  keepAlive?.finish();
  const upgrade = http.word('h2UpgradePolicy', ['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE']);
  const useClientProtocol = http.boolean('useClientProtocol');
  http.withoutEffect('gRPC is always HTTP/2', 'h2UpgradePolicy', 'useClientProtocol');
  http.finish();
  if (upgrade === 'UPGRADE' && useClientProtocol === true) {
    http.fail('useClientProtocol', 'invalid-value', 'It cannot be set with h2UpgradePolicy UPGRADE; remove one.');
  }
  return {
    ...limit('maxPendingRequests', maxPendingRequests),
    ...limit('maxRequests', maxRequests),
    ...limit('maxRequestsPerConnection', maxRequestsPerConnection),
    ...limit('maxRetries', maxRetries),
    ...limit('idleTimeoutMs', idleTimeoutMs),
    ...limit('maxConcurrentStreams', maxConcurrentStreams),
    ...(keepAlive !== undefined && {
      http2KeepAlive: { ...limit('intervalMs', intervalMs), ...limit('timeoutMs', timeoutMs) },
    }),
  };
}

function limit<K extends string>(name: K, value: number | undefined): Partial<Record<K, number>> {
  const set: Partial<Record<K, number>> = {};
  if (value !== undefined && value > 0) set[name] = value;
  return set;
}
