import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { createCompiler } from '../compile/index.ts';
import { selectRoute } from '../routing/index.ts';
import {
  DESTINATION_RULE_SAMPLES,
  type FieldSamples,
  VIRTUAL_SERVICE_SAMPLES,
} from './istio-field-samples.test-bed.ts';
import { parseObjects } from './parse-objects.ts';
import { createRegex, RegexSyntaxError } from './regex/regex.ts';

const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'a', namespace: 'default' },
  spec: { ports: [{ name: 'grpc', port: 80 }] },
};

/** Every sample at its path, each replaced by anything with some chance. */
function specs(samples: FieldSamples): fc.Arbitrary<unknown> {
  const anything = fc.jsonValue({ maxDepth: 2 });
  const tops = new Map<string, unknown>();
  for (const [path, value] of Object.entries(samples)) {
    const [top = '', ...rest] = path.split('.');
    const leaf = rest.at(-1)?.replace('[]', '').replace('*', 'x') ?? '';
    tops.set(top.replace('[]', ''), rest.length === 0 ? value : { [leaf]: value });
  }
  const field = (sample: unknown): fc.Arbitrary<unknown> =>
    fc.oneof(fc.constant(sample), anything, fc.constant([sample]));
  return fc.record(Object.fromEntries([...tops].map(([name, value]) => [name, field(value)])), { requiredKeys: [] });
}

const text = fc.oneof(
  fc.constantFrom('', '/', '/a.B/C', '*', '(', 'a*', '.*', '[a-z]+', 'x{2}'),
  fc.string({ maxLength: 8 }),
);
const match = fc.dictionary(
  fc.constantFrom('uri', 'method', 'headers', 'withoutHeaders', 'queryParams', 'port', 'sourceLabels', 'gateways'),
  fc.oneof(
    fc.dictionary(fc.constantFrom('exact', 'prefix', 'regex', 'x'), text),
    fc.constant([]),
    fc.nat(),
    fc.dictionary(text, fc.record({ exact: text })),
  ),
);
const action = fc.dictionary(
  fc.constantFrom(
    'route',
    'redirect',
    'directResponse',
    'delegate',
    'rewrite',
    'fault',
    'retries',
    'headers',
    'timeout',
  ),
  fc.oneof(
    fc.constant([{ destination: { host: 'a' } }]),
    fc.record(
      { uri: text, status: fc.integer(), name: text, attempts: fc.integer(), abort: fc.anything() },
      { requiredKeys: [] },
    ),
    text,
  ),
);
const rules = fc.array(
  fc.tuple(fc.array(match, { maxLength: 2 }), action).map(([matches, rest]) => ({ match: matches, ...rest })),
  { maxLength: 4 },
);

test('no VirtualService or DestinationRule breaks the reader or the compiler, and each refusal has a sentence', () => {
  const virtualService = fc.oneof(
    specs(VIRTUAL_SERVICE_SAMPLES),
    rules.map((http) => ({ hosts: ['a'], http })),
  );
  fc.assert(
    fc.property(virtualService, specs(DESTINATION_RULE_SAMPLES), text, (spec, rule, path) => {
      const object = (kind: string, body: unknown): object => ({
        apiVersion: 'networking.istio.io/v1',
        kind,
        metadata: { name: 'o' },
        spec: body,
      });
      const values = [SERVICE, object('VirtualService', spec), object('DestinationRule', rule)];
      const documents = values.map((value) => ({ file: 'f', value, locate: () => undefined }));
      const parsed = parseObjects(documents, { defaultNamespace: 'default' });
      for (const { message } of parsed.diagnostics) assert.match(message, /^.+\.$/s);
      assert.equal(parsed.objects.length + parsed.broken.length, values.length);
      const snapshot = createCompiler().compile(parsed);
      for (const host of snapshot.virtualHosts.values()) {
        selectRoute(host, { path: path || '/', header: () => undefined });
        for (const route of host.routes)
          assert.equal(route.destinations.length > 0 || route.answer !== undefined, true);
      }
    }),
    { seed: 21, numRuns: 1500 },
  );
});

test('any text is a pattern that matches in time, or is refused as none', () => {
  const pattern = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc
      .array(
        fc.constantFrom('(', ')', '[', ']', '{', '}', 'a', '*', '+', '?', '|', '\\', '^', '$', '.', '-', ':', '1', ','),
        { maxLength: 20 },
      )
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(pattern, fc.string({ maxLength: 40 }), (source, input) => {
      try {
        const regex = createRegex(source);
        regex.matches(input);
        regex.replaceAll(input, '\\0\\1');
      } catch (error) {
        assert.ok(error instanceof RegexSyntaxError, `${source}: ${String(error)}`);
      }
    }),
    { seed: 22, numRuns: 3000 },
  );
});
