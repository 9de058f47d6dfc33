import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseObjects } from '@steelyard/core/config';
import { memoryInUse } from '@steelyard/testkit';
import { type LabelSelection, NO_RULES, selectLabels } from './label-selection.ts';
import { identityOf } from './object-store.ts';
import { PodStore } from './pod-store.ts';

function pod(name: string, version: number | string, labels: Readonly<Record<string, string>> = {}): unknown {
  return { metadata: { namespace: 'default', name, resourceVersion: String(version), labels } };
}

interface Bed {
  readonly store: PodStore;
  readonly changes: () => number;
  readonly set: (value: unknown) => void;
  readonly remove: (value: unknown) => void;
  /** `name key=value …` of the Pods that count. */
  readonly seen: (selection: LabelSelection) => readonly string[];
}

function start(): Bed {
  let changes = 0;
  const store = new PodStore(() => changes++);
  const identify = (value: unknown): NonNullable<ReturnType<typeof identityOf>> => {
    const identity = identityOf(value);
    assert.ok(identity !== undefined);
    return identity;
  };
  return {
    store,
    changes: () => changes,
    set: (value) => store.set(identify(value), value),
    remove: (value) => store.delete(identify(value)),
    seen: (selection) =>
      store.parsed(selection).map(({ object }) => {
        assert.ok(object.kind === 'Pod');
        return [object.name, ...Object.entries(object.labels).map((entry) => entry.join('='))].join(' ');
      }),
  };
}

const BY_VERSION: LabelSelection = { keys: new Set(['version']), everyPod: true };

test('without a rule that selects Pods none counts, but those that say where they are', () => {
  const { set, seen, changes } = start();
  set(pod('a', 1, { app: 'x', version: 'v1' }));
  assert.equal(changes(), 0, 'nobody is told of what nobody needs');
  set(pod('b', 2, { 'istio-locality': 'r.z' }));
  assert.equal(changes(), 1);
  assert.deepEqual(seen(NO_RULES), ['b istio-locality=r.z']);
});

test('of labels only those that are selected by; a Pod without them is known to have none', () => {
  const { set, remove, seen, changes, store } = start();
  set(pod('a', 1, { app: 'x', version: 'v1' }));
  set(pod('b', 1, { app: 'x' }));
  assert.deepEqual(seen(BY_VERSION), ['a version=v1', 'b']);
  const [first] = store.parsed(BY_VERSION);
  const before = changes();
  set(pod('a', 2, { app: 'other', version: 'v1' }));
  assert.equal(changes(), before, 'what changed is not selected by');
  assert.equal(store.parsed(BY_VERSION)[0], first);
  set(pod('a', 3, { version: 'v2' }));
  assert.equal(changes(), before + 1);
  assert.deepEqual(seen(BY_VERSION), ['a version=v2', 'b']);
  remove(pod('b', 4));
  assert.deepEqual([seen(BY_VERSION), store.size], [['a version=v2'], 1]);
  set(pod('a', 'opaque', { version: 'v3' }));
  assert.deepEqual(seen({ keys: new Set(['app']), everyPod: false }), []);
  assert.deepEqual(seen(BY_VERSION), ['a version=v3']);
});

test('a list is in force in one step', () => {
  const { store, set, seen } = start();
  set(pod('a', 1, { version: 'v1' }));
  const next = store.replacement();
  const value = pod('b', 2, { version: 'v2' });
  const identity = identityOf(value);
  assert.ok(identity !== undefined);
  next.add(identity, value, 'v1');
  assert.deepEqual(seen(BY_VERSION), ['a version=v1']);
  next.commit();
  assert.deepEqual(seen(BY_VERSION), ['b version=v2']);
});

test('what DestinationRules select by', () => {
  const rule = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'a', namespace: 'default' },
    spec: {
      host: 'a',
      subsets: [{ name: 'v1', labels: { version: 'v1' } }],
      trafficPolicy: {
        loadBalancer: { localityLbSetting: { enabled: true, failoverPriority: ['rack', 'network=n1'] } },
        outlierDetection: {},
      },
    },
  };
  const { objects } = parseObjects([{ file: 'a', value: rule, locate: () => undefined }], {
    defaultNamespace: 'default',
  });
  const { keys, everyPod } = selectLabels(objects);
  assert.deepEqual([...keys].toSorted(), ['istio-locality', 'network', 'rack', 'topology.istio.io/network', 'version']);
  assert.equal(everyPod, true);
  assert.equal(selectLabels([]).everyPod, false);
});

test('a Pod takes no more than 300 bytes, also where its labels are needed', () => {
  const { store, set } = start();
  const count = 20_000;
  // As JSON.parse makes them: no text is shared with another.
  const parsed = (index: number): unknown => {
    const labels = { app: `app-${index >> 4}`, version: 'v1', 'pod-template-hash': `7c9f8d6b5${index >> 4}` };
    return JSON.parse(JSON.stringify(pod(`app-${index >> 4}-7c9f8d6b5-x${index}`, 1_000_000 + index, labels)));
  };
  const before = memoryInUse();
  for (let index = 0; index < count; index++) set(parsed(index));
  const each = (memoryInUse() - before) / count;
  assert.ok(each < 300, `${each.toFixed(0)} bytes a Pod`);
  const withLabels = ((): number => {
    const list = store.parsed(BY_VERSION);
    assert.equal(list.length, count);
    return (memoryInUse() - before) / count;
  })();
  assert.ok(withLabels < 300, `${withLabels.toFixed(0)} bytes a Pod`);
});
