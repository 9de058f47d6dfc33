import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, suite, test } from 'node:test';
import type { ChannelOptions, Client } from '@grpc/grpc-js';
import type { AnnotationSettings } from '@steelyard/core/model';
import { balance } from '../balance/balance-report.ts';
import { register } from '../register.ts';
import { TestPod, answersFromAll, callUntil, closeClients, openClient } from '../test-pods.test-bed.ts';
import { readAnnotatedPolicy } from './annotated-policy.ts';
import { FakeApiServer } from './fake-api-server.test-bed.ts';

suite('what annotations mean to a caller', () => {
  const sample = { minimumHosts: 3, requestVolume: 20 };
  const cases: readonly { settings: AnnotationSettings; config: object | undefined; problem?: RegExp }[] = [
    { settings: {}, config: undefined },
    { settings: { policy: { kind: 'RANDOM' } }, config: { steelyard_random: {} } },
    { settings: { subsetSize: 'off' }, config: undefined },
    { settings: { subsetSize: 9 }, config: { steelyard_least_request: { choiceCount: 2, subsetSize: 9 } } },
    {
      settings: { policy: { kind: 'MAGLEV', tableSize: 101, key: { kind: 'header', name: 'x-user' } } },
      config: { steelyard_maglev: { header: 'x-user' } },
      problem: /table-size .* has no effect in this caller: it is 65537/,
    },
    {
      settings: { policy: { kind: 'RING_HASH', minimumRingSize: 8, key: { kind: 'source-address' } } },
      config: undefined,
      problem: /RING_HASH by source-address cannot be had in a caller; only by header/,
    },
    {
      settings: { policy: { kind: 'RING_HASH', minimumRingSize: 8, key: { kind: 'source-address' } }, subsetSize: 3 },
      config: { steelyard_least_request: { choiceCount: 2, subsetSize: 3 } },
      problem: /only by header/,
    },
    { settings: { hedging: { maxAttempts: 2, delayMs: 5 } }, config: undefined, problem: /hedging.*hedgingPolicy/ },
    {
      settings: {
        policy: { kind: 'ROUND_ROBIN' },
        failurePercentage: { ...sample, threshold: 50 },
        successRate: 'off',
      },
      config: {
        steelyard_round_robin: {
          outlierDetection: {
            interval: '10s',
            baseEjectionTime: '30s',
            maxEjectionTime: '300s',
            maxEjectionPercent: 10,
            failurePercentageEjection: { ...sample, threshold: 50, enforcementPercentage: 100 },
          },
        },
      },
    },
  ];
  for (const { settings, config, problem } of cases) {
    test(JSON.stringify(settings), () => {
      const { policy, problems } = readAnnotatedPolicy(settings);
      assert.deepEqual(policy?.toJsonObject(), config);
      assert.match(problems.join(' '), problem ?? /^$/);
    });
  }
});

suite('policies by annotations of the Service', () => {
  const pods = ['a', 'b', 'c'].map((name, index) => new TestPod(name, `127.0.3.${index + 1}`));
  const folder = mkdtempSync(join(tmpdir(), 'steelyard-annotations-'));
  const kubeconfig = join(folder, 'config');
  let api = new FakeApiServer();
  let port = 0;
  const notes: string[] = [];
  const onNews = (event: unknown): void => {
    if (typeof event === 'object' && event !== null && 'note' in event) notes.push(String(event.note));
  };

  before(async () => {
    register();
    subscribe('steelyard.grpc-js.resolution', onNews);
    for (const pod of pods) port = (await pod.start(port)).port;
  });
  beforeEach(async () => {
    notes.length = 0;
    api = await new FakeApiServer().start();
    writeFileSync(kubeconfig, api.kubeconfig);
    annotate('load-balancer', 'peak-ewma');
    const endpoints = pods.map(({ host }) => ({ address: host }));
    api.putSlice('backend-1', 'backend', port, endpoints);
  });
  afterEach(async () => {
    closeClients();
    for (const pod of pods) pod.peers.clear();
    await api.stop();
  });
  after(() => {
    unsubscribe('steelyard.grpc-js.resolution', onNews);
    for (const pod of pods) pod.kill();
    rmSync(folder, { recursive: true });
  });

  const annotate = (name: string, value: string): void =>
    api.putService('backend', [{ name: 'grpc', port: 80 }], { [`steelyard.dev/${name}`]: value });
  const open = (parameters = '', portOf = 'grpc', options: ChannelOptions = {}): Client =>
    openClient(`k8s:///backend:${portOf}?kubeconfig=${kubeconfig}${parameters}`, options);
  const policies = (): string[] => balance().map(({ policy }) => policy);
  const isServed = (client: Client): Promise<void> => callUntil(client, answersFromAll(...pods));

  for (const portOf of ['grpc', '80']) {
    test(`the port being ${portOf}`, async () => {
      await isServed(open('', portOf));
      assert.deepEqual(policies(), ['steelyard_peak_ewma']);
    });
  }

  test('another one while calls go on: no call fails, and nothing is dialled again', async () => {
    const client = open();
    await isServed(client);
    annotate('load-balancer', 'round-robin');
    await callUntil(client, (latest) => {
      assert.ok(!latest.includes('!'), latest.join());
      return policies().join() === 'steelyard_round_robin';
    });
    await isServed(client);
    assert.deepEqual(
      pods.map(({ peers }) => peers.size),
      [1, 1, 1],
    );
  });

  test('a word that is none leaves the default', async () => {
    annotate('load-balancer', 'best');
    await isServed(open());
    assert.deepEqual(policies(), ['steelyard_least_request']);
  });

  test('one that no caller can have does not take the news of Pods with it', async () => {
    const client = open();
    await isServed(client);
    annotate('load-balancer', 'ring-hash,source-address=true');
    api.putSlice('backend-1', 'backend', port, [{ address: pods[1]?.host ?? '' }]);
    await callUntil(client, (latest) => latest.length === 10 && latest.every((name) => name === 'b'));
    await callUntil(client, () => policies().join() === 'steelyard_least_request');
    assert.match(notes.join(), /RING_HASH by source-address cannot be had in a caller/);
  });

  test('the target goes before it, and then Services are not even asked for', async () => {
    await isServed(open('&lb=random'));
    assert.deepEqual(policies(), ['steelyard_random']);
    assert.ok(!api.asked.some((path) => path.includes('/services')));
  });

  test('the service config of the channel goes before it', async () => {
    const serviceConfig = JSON.stringify({ loadBalancingConfig: [{ steelyard_round_robin: {} }] });
    await isServed(open('', 'grpc', { 'grpc.service_config': serviceConfig }));
    assert.deepEqual(policies(), ['steelyard_round_robin']);
  });

  test('an API server that says nothing of Services holds nobody up', async () => {
    api.silent = 'services';
    const startedAt = performance.now();
    await isServed(open());
    assert.ok(performance.now() - startedAt >= 1900, 'it is waited for, a little');
    assert.deepEqual(policies(), ['steelyard_least_request']);
  });

  test('who may not read Services has the default, and an event that says why', async () => {
    api.refuse = { status: 403, message: 'services is forbidden', collection: 'services' };
    await isServed(open());
    assert.deepEqual(policies(), ['steelyard_least_request']);
    assert.match(notes.join(), /annotations of the Service are not read: a right is missing: .*"services"/);
  });
});
