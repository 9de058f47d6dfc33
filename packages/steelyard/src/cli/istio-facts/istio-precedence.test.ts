import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import type { Snapshot } from '@steelyard/core/model';
import { selectRoute } from '@steelyard/core/routing';
import { parse } from 'yaml';

function read(file: string): string {
  return readFileSync(new URL(`../../../test-data/istio/${file}.yaml`, import.meta.url), 'utf8');
}

const AGES = { old: '2020-01-01T00:00:00Z', new: '2021-01-01T00:00:00Z' };

function istio(kind: string, name: string, spec: object, metadata: object = {}): object {
  return { apiVersion: 'networking.istio.io/v1', kind, metadata: { name, ...metadata }, spec };
}

const SERVICES = ['backend', 'x', 'y'].map((name) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { ports: [{ name: 'grpc', port: 8000 }] },
}));

function compile(objects: readonly object[], clientNamespace = 'default'): Snapshot {
  const documents = [...SERVICES, ...objects].map((value) => ({ file: 'a', value, locate: () => undefined }));
  return createCompiler({ clientNamespace }).compile(parseObjects(documents, { defaultNamespace: 'default' }));
}

interface Conflict {
  readonly is: string;
  readonly root: object;
  readonly child: object;
  readonly conflict: boolean;
}

test('a rule that is delegated to conflicts as in Istio', () => {
  const conflicts: readonly Conflict[] = parse(read('delegate-conflicts'));
  for (const { is, root, child, conflict } of conflicts) {
    const route = [{ destination: { host: 'x' } }];
    const { diagnostics } = compile([
      istio('VirtualService', 'root', { hosts: ['backend'], http: [{ match: [root], delegate: { name: 'child' } }] }),
      istio('VirtualService', 'child', { http: [{ match: [child], route }] }),
    ]);
    assert.equal(
      diagnostics.some(({ code }) => code === 'delegate-conflict'),
      conflict,
      is,
    );
  }
});

interface Decision {
  readonly is: string;
  readonly from?: string;
  readonly virtualServices?: readonly {
    readonly name: string;
    readonly namespace?: string;
    readonly hosts: readonly string[];
    readonly age?: 'old' | 'new';
    readonly exportTo?: readonly string[];
    readonly gateways?: readonly string[];
    readonly uri?: string;
  }[];
  readonly destinationRules?: readonly {
    readonly name: string;
    readonly namespace?: string;
    readonly host: string;
    readonly simple?: string;
    readonly age?: 'old' | 'new';
    readonly exportTo?: readonly string[];
  }[];
  readonly goes?: string;
  readonly rule?: string;
  readonly policy?: string;
}

function objectsOf({ virtualServices = [], destinationRules = [] }: Decision): readonly object[] {
  const metadata = (namespace: string | undefined, age: 'old' | 'new' | undefined): object => ({
    ...(namespace !== undefined && { namespace }),
    ...(age !== undefined && { creationTimestamp: AGES[age] }),
  });
  return [
    ...virtualServices.map(({ name, namespace, age, uri, ...spec }) => {
      const route = [{ destination: { host: `${name}.default.svc.cluster.local` } }];
      const http = [{ ...(uri !== undefined && { match: [{ uri: { exact: uri } }] }), route }];
      return istio('VirtualService', name, { ...spec, http }, metadata(namespace, age));
    }),
    ...destinationRules.map(({ name, namespace, age, simple, ...spec }) => {
      const policy = simple === undefined ? {} : { trafficPolicy: { loadBalancer: { simple } } };
      return istio('DestinationRule', name, { ...spec, ...policy }, metadata(namespace, age));
    }),
  ];
}

test('the object that decides is the one that decides in Istio, in whatever order they are read', () => {
  const facts: readonly Decision[] = parse(read('which-object-decides'));
  for (const fact of facts) {
    for (const objects of [objectsOf(fact), objectsOf(fact).toReversed()]) {
      const snapshot = compile(objects, fact.from);
      const host = snapshot.virtualHosts.get('backend.default.svc.cluster.local:8000');
      const route = host && selectRoute(host, { path: '/a.B/C' });
      const cluster = snapshot.clusters.get('outbound|8000||backend.default.svc.cluster.local');
      const goes = route?.destinations[0]?.cluster.split('|')[3]?.split('.')[0] ?? 'nowhere';
      if (fact.goes !== undefined) assert.equal(goes, fact.goes, fact.is);
      if (fact.policy !== undefined) {
        assert.deepEqual(
          [cluster?.loadBalancer.kind, cluster?.destinationRule?.name],
          [fact.policy, fact.rule],
          fact.is,
        );
      }
    }
  }
});
