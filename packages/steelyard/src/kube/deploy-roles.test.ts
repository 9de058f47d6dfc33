// The rights that the manifests of deploy/ grant are those that each mode uses, no less and no more.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { type ClusterKind, RESOURCE_KINDS, resourceName } from './cluster/resource-kind.ts';
import { fieldsOf, listOf } from './untrusted.ts';

const ALL: readonly ClusterKind[] = ['Service', 'EndpointSlice', 'Pod', 'Node', 'VirtualService', 'DestinationRule'];
const MODES: readonly [string, readonly ClusterKind[]][] = [
  ['gateway', ALL],
  ['node', ALL],
  ['dns', ['Service', 'EndpointSlice', 'Namespace']],
];

for (const [mode, kinds] of MODES) {
  test(`deploy/${mode}.yaml grants list and watch of what it watches`, () => {
    const url = new URL(`../../../../deploy/${mode}.yaml`, import.meta.url);
    const parsed = parseAllDocuments(readFileSync(url, 'utf8'));
    assert.ok(Array.isArray(parsed));
    const documents = parsed.map((document) => fieldsOf(document.toJS()));
    const role = documents.find((document) => document?.['kind'] === 'ClusterRole');
    const granted = listOf(role?.['rules']).flatMap((rule) => {
      const { apiGroups, resources, verbs } = fieldsOf(rule) ?? {};
      assert.deepEqual(listOf(verbs), ['list', 'watch']);
      return listOf(resources).map((resource) => [String(resource), ...listOf(apiGroups)].filter(Boolean).join('.'));
    });
    assert.deepEqual(granted.toSorted(), kinds.map((kind) => resourceName(RESOURCE_KINDS[kind])).toSorted());
  });
}
