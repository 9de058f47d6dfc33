import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseObjects } from '@steelyard/core/config';
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from '@steelyard/core/model';
import { parse } from 'yaml';

interface Fact {
  readonly is: string;
  readonly retries?: object;
  readonly policy: 'default' | 'refused' | Readonly<Record<string, unknown>>;
}

function read(retries: object | undefined): RetryPolicy | 'refused' {
  const rule = { route: [{ destination: { host: 'a' } }], ...(retries !== undefined && { retries }) };
  const value = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'a' },
    spec: { hosts: ['a'], http: [rule] },
  };
  const parsed = parseObjects([{ file: 'a', value, locate: () => undefined }], { defaultNamespace: 'default' });
  const object = parsed.objects[0]?.object;
  if (object?.kind !== 'VirtualService') return 'refused';
  return object.http?.[0]?.retry ?? DEFAULT_RETRY_POLICY;
}

test('retries mean what they mean in Istio', () => {
  const facts: readonly Fact[] = parse(
    readFileSync(new URL('../../../test-data/istio/retries.yaml', import.meta.url), 'utf8'),
  );
  for (const { is, retries, policy } of facts) {
    const found = read(retries);
    if (policy === 'refused' || found === 'refused') assert.equal(found, policy, is);
    else if (policy === 'default') assert.deepEqual(found, DEFAULT_RETRY_POLICY, is);
    else {
      const fields = new Map<string, unknown>(Object.entries(found));
      for (const [field, wanted] of Object.entries(policy))
        assert.deepEqual(fields.get(field) ?? null, wanted, `${is}: ${field}`);
    }
  }
});
