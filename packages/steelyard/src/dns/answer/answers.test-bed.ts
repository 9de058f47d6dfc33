// The zone that the tests of answers ask about.
import assert from 'node:assert/strict';
import { isIPv6 } from 'node:net';
import { createSeededRandom } from '@steelyard/core/balance';
import { type Endpoint, type Service, type ServiceEntry, serviceKey, type Snapshot } from '@steelyard/core/model';
import { decodeMessage, type DecodedMessage, queryFor, type QueryFor } from '../message/messages.test-bed.ts';
import { Zone } from '../zone/zone.ts';
import { now } from './now.test-bed.ts';
import { createResponder, type Transport } from './responder.ts';

type EndpointState = 'ready' | 'ready-terminating' | 'serving-terminating' | 'gone';

export function endpoint(address: string, state: EndpointState = 'ready', hostname?: string): Endpoint {
  return {
    address,
    port: 8000,
    family: isIPv6(address) ? 'IPv6' : 'IPv4',
    conditions: {
      ready: state.startsWith('ready'),
      serving: state !== 'gone',
      terminating: state.endsWith('terminating'),
    },
    ...(hostname === undefined ? {} : { hostname }),
  };
}

export function entry(name: string, fields: Partial<Service>, endpoints: readonly Endpoint[] = []): ServiceEntry {
  const ports = ['grpc', 'metrics'].map(
    (portName) => ({ name: portName, protocol: 'TCP', port: 8000, targetPort: 8000 }) as const,
  );
  const service: Service = {
    kind: 'Service',
    namespace: 'default',
    name,
    type: 'ClusterIP',
    headless: false,
    clusterIps: [],
    ports,
    ...fields,
  };
  return { service, ports: ports.map((port) => ({ port, endpoints })) };
}

export const headless = (name: string, ...endpoints: Endpoint[]): ServiceEntry =>
  entry(name, { headless: true }, endpoints);
const alias = (name: string, externalName: string): ServiceEntry => entry(name, { type: 'ExternalName', externalName });

const manyPods = Array.from({ length: 50 }, (_, index) => endpoint(`10.1.0.${index + 1}`));

export function snapshotOf(version: number, ...entries: ServiceEntry[]): Pick<Snapshot, 'version' | 'services'> {
  return {
    version,
    services: new Map(entries.map((each) => [serviceKey(each.service.namespace, each.service.name), each])),
  };
}

const snapshot = snapshotOf(
  77,
  entry('backend', { clusterIps: ['10.97.211.12'] }),
  entry('dual', { clusterIps: ['10.0.0.9', 'fd00::9'] }),
  entry('pending', {}),
  headless('backendh', endpoint('10.80.128.247'), endpoint('10.80.153.167'), endpoint('10.80.167.226')),
  headless(
    'named',
    endpoint('10.0.1.1', 'ready', 'pod-0'),
    endpoint('10.0.1.2', 'ready', 'Pod-0'),
    endpoint('fd00::1:2'),
  ),
  headless(
    'states',
    endpoint('10.0.2.1'),
    endpoint('10.0.2.2', 'ready-terminating'),
    endpoint('10.0.2.3', 'serving-terminating'),
    endpoint('10.0.2.4', 'gone'),
  ),
  headless('leaving', endpoint('10.0.3.1', 'serving-terminating')),
  headless('v6only', endpoint('fd00:1::5')),
  headless('many', ...manyPods),
  alias('inside', 'Backend.default.svc.cluster.local.'),
  alias('twice', 'inside.default.svc.cluster.local'),
  alias('outside', 'example.com'),
  alias('nowhere', 'none.default.svc.cluster.local'),
  alias('loop', 'loop.default.svc.cluster.local'),
);

/** Of the namespace that all are in. */
export const ZONE = '.default.svc.cluster.local';

export interface TestResponder {
  readonly zone: Zone;
  readonly respond: (query: Buffer, transport: Transport) => Buffer | undefined;
}

export function startResponder(): TestResponder {
  const zone = new Zone('cluster.local', 5);
  zone.update(snapshot);
  const respond = createResponder({ zone, random: createSeededRandom(4) });
  return { zone, respond: (query, transport) => now(respond(query, transport)) };
}

export interface Asked extends QueryFor {
  readonly transport?: Transport;
}

export function ask({ transport = 'udp', ...query }: Asked): DecodedMessage {
  const answer = startResponder().respond(queryFor(query), transport);
  assert.ok(answer);
  return decodeMessage(answer);
}
