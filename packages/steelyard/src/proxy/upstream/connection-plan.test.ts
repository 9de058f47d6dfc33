import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionPool } from '@steelyard/core/model';
import { DEFAULT_LIMITS } from '@steelyard/http2';
import { planConnections } from './connection-plan.ts';

const PLAIN = { context: undefined, problem: '' };
const planOf = (connectionPool?: ConnectionPool, securityKey = ''): ReturnType<typeof planConnections> =>
  planConnections(connectionPool === undefined ? {} : { connectionPool }, DEFAULT_LIMITS, PLAIN, securityKey);

test("what is not said is Istio's default", () => {
  const { key, security, ...plan } = planOf();
  assert.notEqual(key, '');
  assert.equal(security, PLAIN);
  assert.deepEqual(plan, {
    limits: DEFAULT_LIMITS,
    connectTimeoutMs: 10_000,
    maxDurationMs: Infinity,
    maxRequests: Infinity,
    maxConcurrentStreams: Infinity,
    tcpKeepaliveMs: undefined,
  });
});

test('what concerns single connections is in the plan, and tells plans apart; limits of the cluster do not', () => {
  const cases: readonly (readonly [ConnectionPool, boolean])[] = [
    [{ connectTimeoutMs: 1000 }, true],
    [{ connectTimeoutMs: 10_000 }, false],
    [{ maxConnectionDurationMs: 1000 }, true],
    [{ maxRequestsPerConnection: 5 }, true],
    [{ maxConcurrentStreams: 5 }, true],
    [{ idleTimeoutMs: 1000 }, true],
    [{ http2KeepAlive: { intervalMs: 1000 } }, true],
    [{ http2KeepAlive: { timeoutMs: 1000 } }, true],
    [{ tcpKeepalive: {} }, true],
    [{ tcpKeepalive: { timeMs: 1000 } }, true],
    [{ maxConnections: 1, maxPendingRequests: 1, maxRequests: 1, maxRetries: 1 }, false],
  ];
  for (const [pool, differs] of cases) {
    assert.equal(planOf(pool).key !== planOf().key, differs, JSON.stringify(pool));
  }
  const keys = new Set(cases.map(([pool]) => planOf(pool).key));
  assert.equal(keys.size, 1 + cases.filter(([, differs]) => differs).length);
  assert.notEqual(planOf(undefined, 'other').key, planOf().key);
});
