import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { type ParsedObjects, parseObjects, type SourceDocument } from '../../config/index.ts';
import type { Snapshot } from '../../model/index.ts';
import { destinationRule, FULL, pod, routeTo, service, slice } from '../compile.test-bed.ts';
import { createCompiler } from '../compiler.ts';

const subsets = [
  { name: 'v1', labels: { v: '1' } },
  { name: 'v2', labels: { v: '2' } },
];
const OBJECTS = [
  service('backend'),
  slice('backend', ['p1', 'p2', 'p3']),
  service('other'),
  slice('other', ['p4']),
  pod('p1', { v: '1' }),
  pod('p2', { v: '2' }),
  pod('p3', { v: '1' }),
  destinationRule('d', { host: 'backend', subsets }),
  routeTo('v', ['other'], 'backend'),
];

function parse(values: readonly unknown[]): ParsedObjects {
  const documents = values.map((value): SourceDocument => ({ file: 'a', value, locate: () => undefined }));
  return parseObjects(documents, { defaultNamespace: 'default' });
}

/** `parsed` with one object replaced, all others the same ones. */
function replace(parsed: ParsedObjects, index: number, value: unknown): ParsedObjects {
  const [object] = parse([value]).objects;
  assert.ok(object);
  return { ...parsed, objects: parsed.objects.with(index, object) };
}

/** `parsed` with one object more, unless there is one of that name. */
function add(parsed: ParsedObjects, value: unknown): ParsedObjects {
  const [added] = parse([value]).objects;
  assert.ok(added);
  const { kind, name } = added.object;
  if (parsed.objects.some(({ object }) => object.kind === kind && object.name === name)) return parsed;
  return { ...parsed, objects: [...parsed.objects.slice(0, 9), added, ...parsed.objects.slice(9)] };
}

/** `parsed` without one of the objects that were added. */
function remove(parsed: ParsedObjects, place: number): ParsedObjects {
  const added = parsed.objects.length - OBJECTS.length;
  return added === 0 ? parsed : { ...parsed, objects: parsed.objects.toSpliced(OBJECTS.length + (place % added), 1) };
}

/** Another slice of a Service. */
function more(owner: string, pods: readonly string[]): object {
  const endpoints = pods.map((name) => ({ addresses: ['10.0.9.9'], targetRef: { kind: 'Pod', name } }));
  const metadata = { name: `${owner}-2`, labels: { 'kubernetes.io/service-name': owner } };
  return { ...slice(owner, []), metadata, endpoints };
}

function plain({ version: _version, ...rest }: Snapshot): unknown {
  return rest;
}

test('after any row of changes the Snapshot is what all objects give from scratch', () => {
  const edit = fc.oneof(
    fc.tuple(
      fc.constant(1),
      fc.subarray(['p1', 'p2', 'p3', 'p9']).map((pods) => slice('backend', pods)),
    ),
    fc.tuple(
      fc.constant(3),
      fc.subarray(['p4', 'p5']).map((pods) => slice('other', pods)),
    ),
    fc.tuple(
      fc.constant(4),
      fc.constantFrom('1', '2').map((v) => pod('p1', { v })),
    ),
    fc.tuple(
      fc.constant(0),
      fc.constantFrom(8000, 9000).map((port) => service('backend', { ports: [{ name: 'grpc', port }] })),
    ),
  );
  // Pods and slices that come, and the place of one that goes.
  const come = fc.constantFrom(
    pod('p9', { v: '2' }),
    pod('p4', { v: '1' }),
    more('backend', ['p9']),
    more('other', ['p1']),
  );
  const step = fc.oneof(
    edit.map(
      ([index, value]) =>
        (parsed: ParsedObjects): ParsedObjects =>
          replace(parsed, index, value),
    ),
    come.map(
      (value) =>
        (parsed: ParsedObjects): ParsedObjects =>
          add(parsed, value),
    ),
    fc.nat().map(
      (place) =>
        (parsed: ParsedObjects): ParsedObjects =>
          remove(parsed, place),
    ),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), fc.boolean(), (steps, broken) => {
      const compiler = createCompiler();
      let parsed = parse(
        broken ? [...OBJECTS, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'b' } }] : OBJECTS,
      );
      compiler.compile(parsed);
      for (const change of steps) {
        parsed = change(parsed);
        assert.deepEqual(plain(compiler.compile(parsed)), plain(createCompiler().compile(parsed)));
      }
    }),
    { seed: 11, numRuns: 300 },
  );
});

test('one endpoint’s change touches its Service and clusters, and nothing else', () => {
  const compiler = createCompiler();
  const parsed = parse(OBJECTS);
  const before = compiler.compile(parsed);
  const after = compiler.compile(replace(parsed, 1, slice('backend', ['p1', 'p2', 'p3', 'p4'])));
  assert.equal(after.version, before.version + 1);
  assert.equal(after.virtualHosts, before.virtualHosts);
  assert.equal(after.diagnostics, before.diagnostics);
  assert.equal(after.services.get('default/other'), before.services.get('default/other'));
  assert.equal(after.clusters.get(`outbound|8000||${FULL}`)?.endpoints.length, 4);
  assert.equal(after.clusters.get(`outbound|8000|v2|${FULL}`), before.clusters.get(`outbound|8000|v2|${FULL}`));
});

test('a change that says nothing new is the same Snapshot', () => {
  const compiler = createCompiler();
  const parsed = parse(OBJECTS);
  const before = compiler.compile(parsed);
  assert.equal(compiler.compile(replace(parsed, 1, slice('backend', ['p1', 'p2', 'p3']))), before);
  assert.equal(compiler.compile(replace(parsed, 4, pod('p1', { v: '1' }))), before);
});
