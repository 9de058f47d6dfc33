// 10,000 Services with 100,000 endpoints from a real API server: how soon the first state is there, what it takes, and how soon
// a change is seen at 100 changes a second. Runs where the environment asks for it (`npm run conformance -- kube --scale`).
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import { type FakeObject, memoryInUse, PATIENCE } from '@steelyard/testkit';
import { staticCredentials } from '../api/static-credentials.ts';
import { addressesOf, service, slice, sourceOf, startApiServer } from './cluster.test-bed.ts';
import { REFLECTOR_TIMES } from './reflector-times.ts';

const SERVICES = Number(process.env['STEELYARD_KUBE_SCALE'] ?? 0);
const ENDPOINTS = 10;
const CHANGES = 1000;
const EVERY_MS = 10;
const AT_ONCE = 16;

const [MOST_FIRST_MS, MOST_MIB, MOST_CHANGE_MS] = [20_000 * PATIENCE, 400, 50 * PATIENCE];

function addressesFor(index: number, generation: number): readonly string[] {
  return Array.from({ length: ENDPOINTS }, (_, at) => `10.${generation}.${index >> 8}.${(index & 255) ^ at}`);
}

/** Names its node and Pod, as the slice controller does. */
function fullSlice(index: number, generation: number): FakeObject {
  const name = `s${index}`;
  const addresses = addressesFor(index, generation);
  const endpoints = addresses.map((address, at) => ({
    addresses: [address],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `node-${at}`,
    zone: `zone-${at % 3}`,
    targetRef: { kind: 'Pod', namespace: 'default', name: `${name}-7c9f8d6b5-${at}` },
  }));
  return { ...slice(name, addresses), endpoints };
}

async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < count) await work(next++);
    }),
  );
}

test('a large cluster', { skip: SERVICES === 0, timeout: 900_000 }, async (t) => {
  const api = await startApiServer(t);
  await inParallel(SERVICES, async (index) => {
    await api.put(service(`s${index}`));
    await api.put(fullSlice(index, 1));
  });
  memoryInUse();
  const before = process.memoryUsage().rss;
  const startedAt = performance.now();
  const source = sourceOf(
    {
      server: `https://127.0.0.1:${api.port}`,
      ...(api.ca !== undefined && { ca: api.ca }),
      credentials: staticCredentials({ headers: api.headers }),
    },
    { times: REFLECTOR_TIMES },
  );
  t.after(() => source.close());
  await source.whenSynced(120_000);
  const firstMs = performance.now() - startedAt;
  // The API server has one of its own.
  assert.ok(source.current.services.size >= SERVICES);
  const mib = (process.memoryUsage().rss - before) / 2 ** 20;
  memoryInUse();

  const waiting = new Map<string, { readonly address: string; writtenAt: number }>();
  const seen = new Map<string, number>();
  const took: number[] = [];
  source.subscribe((snapshot) => {
    const now = performance.now();
    for (const [name, { address }] of waiting) {
      if (addressesOf(snapshot, name)[0] !== address) continue;
      waiting.delete(name);
      seen.set(name, now);
    }
  });
  const changes: Promise<void>[] = [];
  for (let count = 0; count < CHANGES; count++) {
    // One after the other through all Services, so that no two changes are of the same.
    const index = (count * 7919) % SERVICES;
    const name = `s${index}`;
    const address = addressesFor(index, 2).toSorted()[0] ?? '';
    const change = async (): Promise<void> => {
      waiting.set(name, { address, writtenAt: 0 });
      await api.put(fullSlice(index, 2));
      const writtenAt = performance.now();
      while (!seen.has(name)) await pause(1);
      // The event may be here before the answer to the one who wrote.
      took.push(Math.max(0, (seen.get(name) ?? 0) - writtenAt));
    };
    changes.push(change());
    await pause(EVERY_MS);
  }
  await Promise.all(changes);
  const sorted = took.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  const sizes = `${SERVICES} Services, ${SERVICES * ENDPOINTS} endpoints`;
  t.diagnostic(`${sizes}: first state after ${Math.round(firstMs)} ms, ${Math.round(mib)} MiB`);
  t.diagnostic(`${sizes}: a change is seen after ${at(0.5).toFixed(1)} ms (p50), ${at(0.99).toFixed(1)} ms (p99)`);
  assert.ok(firstMs < MOST_FIRST_MS, `the first state took ${Math.round(firstMs)} ms`);
  assert.ok(mib < MOST_MIB, `it took ${Math.round(mib)} MiB`);
  assert.ok(at(0.99) < MOST_CHANGE_MS, `p99 of a change is ${at(0.99).toFixed(1)} ms`);
});
