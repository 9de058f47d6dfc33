import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Snapshot } from '@steelyard/core/model';
import { logThat } from '../../log.test-bed.ts';
import { snapshotOf } from '../compile/random-snapshot.test-bed.ts';
import { createFlowCleaner } from './flow-cleaner.ts';
import { ApplyError, type RunTool } from './kernel-tool.ts';

const warnings: string[] = [];
const log = logThat({ warn: (text) => void warnings.push(text) });

function backend(protocol: 'TCP' | 'UDP', ...addresses: readonly string[]): Snapshot {
  const metadata = { name: 'backend', namespace: 'ns', labels: { 'kubernetes.io/service-name': 'backend' } };
  const port = { name: 'p', protocol, port: 80 };
  return snapshotOf([
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { clusterIP: '172.30.0.1', ports: [port] } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata,
      addressType: 'IPv4',
      ports: [port],
      endpoints: addresses.map((address) => ({ addresses: [address] })),
    },
  ]);
}

/** What was asked of conntrack, and the timers that were set. */
function workshop(): {
  readonly commands: string[];
  readonly run: RunTool;
  readonly after: (delayMs: number, work: () => void) => () => void;
  readonly fire: () => void;
} {
  const commands: string[] = [];
  const timers = new Set<() => void>();
  return {
    commands,
    run: (command, args) => {
      commands.push([command, ...args].join(' '));
      return Promise.resolve({ code: 0, stdout: '', stderr: '' });
    },
    after: (_, work) => {
      timers.add(work);
      return () => timers.delete(work);
    },
    fire: () => {
      for (const work of timers) work();
      timers.clear();
    },
  };
}

const TO_POD_1 = 'conntrack -D -f ipv4 -p tcp --orig-port-dst 80 --orig-dst 172.30.0.1 --reply-src 10.0.0.1';

suite('createFlowCleaner', () => {
  test('leaves TCP alone unless told, and ends UDP at once', async () => {
    const { commands, run, after, fire } = workshop();
    const cleaner = createFlowCleaner({ log, run, after });
    await cleaner.written(backend('TCP', '10.0.0.1'), backend('TCP'));
    fire();
    assert.deepEqual(commands, []);
    await cleaner.written(backend('UDP', '10.0.0.1'), backend('UDP'));
    assert.deepEqual(commands, [TO_POD_1.replace('tcp', 'udp')]);
    assert.equal(cleaner.deleted, 1);
  });

  test('ends TCP after the grace', async () => {
    const { commands, run, after, fire } = workshop();
    const cleaner = createFlowCleaner({ log, run, after, tcpGraceMs: 5000 });
    await cleaner.written(undefined, backend('TCP', '10.0.0.1', '10.0.0.2'));
    await cleaner.written(backend('TCP', '10.0.0.1', '10.0.0.2'), backend('TCP', '10.0.0.2'));
    assert.deepEqual(commands, []);
    fire();
    assert.deepEqual(commands, [TO_POD_1]);
  });

  test('not of a pod that serves again by then', async () => {
    const { commands, run, after, fire } = workshop();
    const cleaner = createFlowCleaner({ log, run, after, tcpGraceMs: 5000 });
    await cleaner.written(backend('TCP', '10.0.0.1'), backend('TCP'));
    await cleaner.written(backend('TCP'), backend('TCP', '10.0.0.1'));
    fire();
    assert.deepEqual(commands, []);
  });

  test('nothing is ended once it is closed', async () => {
    const { commands, run, after, fire } = workshop();
    const cleaner = createFlowCleaner({ log, run, after, tcpGraceMs: 5000 });
    await cleaner.written(backend('TCP', '10.0.0.1'), backend('TCP'));
    cleaner.close();
    fire();
    assert.deepEqual(commands, []);
  });

  test('says once that the tool is missing', async () => {
    const run: RunTool = () => Promise.reject(new ApplyError('conntrack cannot be run: ENOENT'));
    const cleaner = createFlowCleaner({ log, run });
    for (let i = 0; i < 3; i++) await cleaner.written(backend('UDP', '10.0.0.1'), backend('UDP'));
    assert.deepEqual(warnings, ['clients may stay with pods that are gone: conntrack cannot be run: ENOENT']);
    assert.equal(cleaner.deleted, 0);
  });
});
