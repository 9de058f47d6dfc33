import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseObjects } from '@steelyard/core/config';
import { parse } from 'yaml';

/** One fact of Istio's validation tables, in our words. */
interface Fact {
  readonly is: string;
  readonly valid: boolean;
  /** Fields of a rule that has a route. */
  readonly rule?: object;
  /** A whole rule. */
  readonly action?: object;
  readonly policy?: object;
  readonly spec?: object;
}

function factsOf(file: string): readonly (readonly [string, readonly Fact[]])[] {
  const text = readFileSync(new URL(`../../../test-data/istio/${file}.yaml`, import.meta.url), 'utf8');
  const groups: Readonly<Record<string, readonly Fact[]>> = parse(text);
  return Object.entries(groups);
}

function specOf({ rule, action, policy, spec }: Fact): object {
  if (spec !== undefined) return spec;
  if (policy !== undefined) return { host: 'a', trafficPolicy: policy };
  return { hosts: ['a'], http: [action ?? { route: [{ destination: { host: 'a' } }], ...rule }] };
}

for (const [file, kind] of [
  ['virtual-service-validation', 'VirtualService'],
  ['destination-rule-validation', 'DestinationRule'],
] as const) {
  for (const [group, facts] of factsOf(file)) {
    test(`${kind}, ${group}: accepted and refused as Istio does`, () => {
      const wrong = facts.flatMap((fact) => {
        const value = { apiVersion: 'networking.istio.io/v1', kind, metadata: { name: 'o' }, spec: specOf(fact) };
        const { objects, diagnostics } = parseObjects([{ file: 'a', value, locate: () => undefined }], {
          defaultNamespace: 'default',
        });
        const errors = diagnostics
          .filter(({ severity }) => severity === 'error')
          .map(({ path, message }) => `${path ?? ''}: ${message}`);
        return objects.length > 0 === fact.valid ? [] : [`${fact.is}: ${errors.join('; ') || 'accepted'}`];
      });
      assert.deepEqual(wrong, []);
    });
  }
}
