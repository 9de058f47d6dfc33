import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseObjects } from '../../config/index.ts';
import { analyzeWay, type Way } from './analyze-way.ts';

const annotations = {
  'steelyard.dev/load-balancer': 'peak-ewma',
  'steelyard.dev/subset-size': '5',
  'steelyard.dev/health-check': 'on',
  'steelyard.dev/hedging': 'delay=50ms',
  'steelyard.dev/success-rate-ejection': 'on',
};
const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'a', annotations },
  spec: { ports: [{ port: 80 }] },
};

const CASES: readonly (readonly [Way, readonly string[]])[] = [
  ['service', ['load-balancer', 'subset-size', 'health-check', 'hedging', 'success-rate-ejection']],
  ['headless', ['load-balancer', 'subset-size', 'health-check', 'hedging', 'success-rate-ejection']],
  ['library', ['health-check', 'hedging']],
  ['proxy', []],
  ['node', []],
];

test('annotations that a way does not go by are found', () => {
  const documents = [{ file: 'a', value: SERVICE, locate: () => undefined }];
  const objects = parseObjects(documents, { defaultNamespace: 'default' }).objects.map(({ object }) => object);
  for (const [way, names] of CASES) {
    const found = analyzeWay(way, objects).map(({ message }) => /steelyard\.dev\/(?<name>[a-z-]+)/.exec(message)?.[1]);
    assert.deepEqual(found, names, way);
  }
});
