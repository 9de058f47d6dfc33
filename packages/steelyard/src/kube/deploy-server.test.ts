// What a real API server says to the manifests of deploy/, with RBAC on. Runs where the environment asks for one
// (`npm run conformance -- kube`).
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { type FakeObject, type RealApiServer, startRealApiServer } from '@steelyard/testkit';
import { parseAllDocuments } from 'yaml';
import { follow, service } from './cluster/cluster.test-bed.ts';
import { type ClusterKind, RESOURCE_KINDS, resourceName } from './cluster/resource-kind.ts';
import { fieldsOf, listOf, textOf } from './untrusted.ts';

const LIMIT = { skip: process.env['STEELYARD_KUBE_APISERVER'] !== 'real', timeout: 120_000 };
const FOLDER = new URL('../../../../deploy/', import.meta.url);
const RBAC = 'rbac.authorization.k8s.io/v1';

function readObjects(file: string): readonly FakeObject[] {
  const parsed = parseAllDocuments(readFileSync(new URL(file, FOLDER), 'utf8'));
  assert.ok(Array.isArray(parsed));
  return parsed.flatMap((document) => {
    const value: unknown = document.toJS();
    return isObject(value) ? [value] : [];
  });
}

function isObject(value: unknown): value is FakeObject {
  const { apiVersion, kind, metadata } = fieldsOf(value) ?? {};
  return textOf(apiVersion) !== undefined && textOf(kind) !== undefined && fieldsOf(metadata) !== undefined;
}

const manifests = (): readonly string[] => readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));

async function start(t: TestContext): Promise<RealApiServer> {
  const api = await startRealApiServer();
  t.after(() => api.close());
  return api;
}

test('kubectl apply --dry-run=server -f deploy/', LIMIT, async (t) => {
  const api = await start(t);
  const objects = manifests().flatMap(readObjects);
  // In a dry run nothing is there for what comes after it: the Namespaces are made.
  for (const object of objects) if (object.kind === 'Namespace') await api.create(object, false);
  for (const object of objects) if (object.kind !== 'Namespace') await api.create(object, true);
  const deployment = readObjects('dns.yaml').find(({ kind }) => kind === 'Deployment');
  assert.ok(deployment !== undefined);
  // The other way: that it is really looked at.
  await assert.rejects(api.create({ ...deployment, spek: {} }, true), /unknown field .*spek/);
});

for (const file of manifests()) {
  const role = readObjects(file).find(({ kind }) => kind === 'ClusterRole');
  if (role === undefined) continue;
  test(`deploy/${file}: with the rights of its account every kind can be followed`, LIMIT, async (t) => {
    const api = await start(t);
    await api.put(service('backend'));
    await api.revoke();
    const granted = kindsOf(role);
    assert.ok(granted.includes('Service'));
    await grant(api, 'whole', listOf(role['rules']));
    const { source } = await follow(t, api, { kinds: granted });
    const phases = source.status().map(({ kind, phase }) => `${kind} ${phase}`);
    assert.deepEqual(
      phases.filter((phase) => !/ (watching|absent)$/.test(phase)),
      [],
    );
  });
}

/** What of our kinds a role lets be read. */
function kindsOf(role: FakeObject): readonly ClusterKind[] {
  const names = new Set(
    listOf(role['rules']).flatMap((rule) => {
      const { apiGroups, resources } = fieldsOf(rule) ?? {};
      return listOf(resources).map((resource) => [String(resource), ...listOf(apiGroups)].filter(Boolean).join('.'));
    }),
  );
  return Object.values(RESOURCE_KINDS).flatMap((resource) =>
    names.has(resourceName(resource)) ? [resource.kind] : [],
  );
}

/** To the account that reads. */
async function grant(api: RealApiServer, name: string, rules: readonly unknown[]): Promise<void> {
  await api.create({ apiVersion: RBAC, kind: 'ClusterRole', metadata: { name }, rules }, false);
  await api.create(
    {
      apiVersion: RBAC,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'reader' }],
    },
    false,
  );
}

test('the other way: a right less is a kind that cannot be followed', LIMIT, async (t) => {
  const api = await start(t);
  await api.revoke();
  const rules = [
    { apiGroups: [''], resources: ['services'], verbs: ['list', 'watch'] },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
  ];
  await grant(api, 'less', rules);
  const { source } = await follow(t, api, { kinds: ['Service', 'EndpointSlice', 'Pod'] });
  const pods = source.status().find(({ kind }) => kind === 'Pod');
  assert.equal(pods?.phase, 'forbidden');
  assert.match(pods.trouble ?? '', /may not watch pods: grant it/);
});
