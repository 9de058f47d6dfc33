import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import { createRouteTable, selectRoute } from '@steelyard/core/routing';
import { parse } from 'yaml';

interface Rule {
  readonly to?: string;
}

interface Call {
  readonly authority?: string;
  readonly port?: number;
  /** The port it arrives at, for an authority without one. */
  readonly listen?: number;
  readonly path?: string;
  readonly method?: string;
  readonly scheme?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly goes: string;
}

interface Fact {
  readonly is: string;
  readonly from?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly gateways?: readonly string[];
  /** Annotation `networking.istio.io/exportTo` of `backend`. */
  readonly export?: string;
  /** Of a VirtualService for `backend`. */
  readonly http?: readonly Rule[];
  /** Of a VirtualService `child` that others delegate to. */
  readonly child?: readonly Rule[];
  readonly virtualServices?: readonly {
    readonly name?: string;
    readonly in?: string;
    readonly age?: 'old' | 'new';
    readonly hosts: readonly string[];
    readonly http: readonly Rule[];
  }[];
  readonly calls: readonly Call[];
}

function servicesOf(exported: string | undefined): readonly object[] {
  return ['backend', 'x', 'y', 'z'].map((name) => {
    const isBackend = name === 'backend';
    const annotations = { 'networking.istio.io/exportTo': exported };
    return {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default', ...(isBackend && exported !== undefined && { annotations }) },
      spec: { ports: [{ name: 'grpc', port: 8000 }, ...(isBackend ? [{ name: 'grpc-2', port: 8080 }] : [])] },
    };
  });
}

const ALIAS = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'alias', namespace: 'default' },
  spec: { type: 'ExternalName', externalName: 'api.example.com' },
};

const WEB = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    ports: [
      { name: 'grpc', port: 80 },
      { name: 'admin', port: 9000 },
    ],
  },
};

function withRoute({ to, ...rule }: Rule): object {
  return to === undefined ? rule : { ...rule, route: [{ destination: { host: `${to}.default.svc.cluster.local` } }] };
}

function virtualService(name: string, namespace: string, spec: object, age: 'old' | 'new' = 'old'): object {
  const creationTimestamp = age === 'old' ? '2020-01-01T00:00:00Z' : '2021-01-01T00:00:00Z';
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name, namespace, creationTimestamp },
    spec,
  };
}

function objectsOf({ http, child, virtualServices = [], gateways, export: exported }: Fact): readonly object[] {
  const served = gateways === undefined ? {} : { gateways };
  return [
    ...servicesOf(exported),
    ALIAS,
    WEB,
    ...(http === undefined
      ? []
      : [virtualService('root', 'default', { hosts: ['backend'], ...served, http: http.map(withRoute) })]),
    ...(child === undefined ? [] : [virtualService('child', 'default', { http: child.map(withRoute) })]),
    ...virtualServices.map(({ name = 'v', in: namespace = 'default', age, http: rules, ...spec }) =>
      virtualService(name, namespace, { ...spec, http: rules.map(withRoute) }, age),
    ),
  ];
}

function whereTo(fact: Fact, call: Call): string {
  const documents = objectsOf(fact).map((value) => ({ file: 'a', value, locate: () => undefined }));
  const parsed = parseObjects(documents, { defaultNamespace: 'default' });
  assert.equal(parsed.broken.length, 0, `${fact.is}: ${parsed.diagnostics.map(({ message }) => message).join()}`);
  const { from = 'default', labels, gateways } = fact;
  const snapshot = createCompiler({
    clientNamespace: from,
    ...(labels !== undefined && { clientLabels: labels }),
    ...(gateways !== undefined && { gateways }),
  }).compile(parsed);
  const { port = 8000, authority = `backend.default:${port}`, path = '/a.B/C', listen = 80 } = call;
  const host = createRouteTable(snapshot, { namespace: from, listenPort: listen }).findVirtualHost(authority);
  const { method = 'POST', scheme = 'http', headers = {} } = call;
  const route = host && selectRoute(host, { path, method, scheme, authority, header: (name) => headers[name] });
  const [destination, ...others] = route?.destinations ?? [];
  const known = snapshot.services.get(`default/${destination?.cluster.split('|')[3]?.split('.')[0] ?? ''}`);
  const ports = known?.ports.map(({ port: one }) => String(one.port));
  assert.ok(ports === undefined || ports.includes(destination?.cluster.split('|')[1] ?? ''), fact.is);
  assert.equal(others.length, 0);
  return destination?.cluster.split('|')[3]?.split('.')[0] ?? 'nowhere';
}

const text = readFileSync(new URL('../../../test-data/istio/routes.yaml', import.meta.url), 'utf8');
const groups: Readonly<Record<string, readonly Fact[]>> = parse(text);

for (const [group, facts] of Object.entries(groups)) {
  test(`${group}: every call goes where it goes in Istio`, () => {
    const wrong = facts.flatMap((fact) =>
      fact.calls.flatMap((call) => {
        const goes = whereTo(fact, call);
        return goes === call.goes ? [] : [`${fact.is}: ${JSON.stringify(call)} goes ${goes}`];
      }),
    );
    assert.deepEqual(wrong, []);
  });
}
