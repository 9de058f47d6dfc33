// Answer for answer beside a real CoreDNS: both get their objects from one API server and are asked the same.
// Runs where the environment names the command (`npm run conformance -- dns`).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import { createSeededRandom } from '@steelyard/core/balance';
import { type FakeObject, startFakeApiServer } from '@steelyard/testkit';
import { decodeMessage, type DecodedMessage, queryFor, type TypeName, TYPES } from './message/messages.test-bed.ts';
import { now } from './answer/now.test-bed.ts';
import { bindBoth } from './forward/fake-upstream.test-bed.ts';
import { createResponder } from './answer/responder.ts';
import { Zone } from './zone/zone.ts';

const COMMAND = process.env['STEELYARD_COREDNS'];
const ROUNDS = Number(process.env['STEELYARD_COREDNS_ROUNDS'] ?? 4);

interface Asked {
  readonly name: string;
  readonly type: TypeName;
}

/** Where we differ, and why. */
type Fits = (asked: Asked, theirs: DecodedMessage, ours: DecodedMessage | undefined) => boolean;
const isEmpty = (message: DecodedMessage | undefined): boolean => message?.code === 0 && message.answers.length === 0;
const DIFFERENCES: readonly (readonly [why: string, fits: Fits])[] = [
  [
    'a name that exists without the type asked for is NODATA (RFC 2308 §2.2); CoreDNS says NXDOMAIN of these',
    ({ name, type }, { code }, ours) =>
      code === 3 &&
      isEmpty(ours) &&
      ((type !== 'PTR' && name.endsWith('.arpa')) || type === 'TXT' || name.startsWith('dns-version.')),
  ],
  [
    'a name that does not exist is NXDOMAIN whatever the type (RFC 8020 §2); CoreDNS says NODATA of SOA and NS',
    ({ type }, theirs, ours) => (type === 'SOA' || type === 'NS') && isEmpty(theirs) && ours?.code === 3,
  ],
  [
    'the zone names its server (RFC 1034 §4.2.1), as its SOA does; CoreDNS does so only where it finds its own Service',
    ({ name, type }, theirs) => name === 'cluster.local' && type === 'NS' && isEmpty(theirs),
  ],
  ['there are no names of Pods here, so none above them either', ({ name }) => name === 'pod.cluster.local'],
  [
    'an alias is an alias for every type (RFC 1034 §3.6.2), and its first names are told even where its last has no record',
    ({ name }, { answers }, ours) =>
      name.startsWith('x') &&
      ours?.answers[0]?.type === TYPES.CNAME &&
      answers.every(({ type }) => type !== TYPES.A && type !== TYPES.AAAA),
  ],
];

const EDNS = { size: 4096 };

/** What matters of an answer, whatever its order. Glue is a courtesy on both sides. */
function gist(message: DecodedMessage): unknown {
  const answers = message.answers
    .map(({ owner, type, ttl, data }) => {
      // The numbers of an SOA are each server's own.
      const shared = type === TYPES.SOA ? data.split(' ').slice(0, 2).join(' ') : data;
      return `${owner} ${type} ${ttl} ${shared}`.toLowerCase();
    })
    .toSorted();
  const negative = message.authorities.filter(({ type }) => type === TYPES.SOA).map(({ ttl }) => ttl);
  return { code: message.code, authoritative: message.authoritative, answers, negative };
}

function generate(seed: number): readonly FakeObject[] {
  const random = createSeededRandom(seed);
  const below = (count: number): number => Math.floor(random() * count);
  const objects: FakeObject[] = [];
  const add = (apiVersion: string, kind: string, metadata: FakeObject['metadata'], rest: object): void => {
    objects.push({ apiVersion, kind, metadata: { namespace: 'default', ...metadata }, ...rest });
  };
  for (let index = 0; index < 12; index++) {
    const name = `s${index}`;
    const headless = below(2) === 0;
    const dual = below(3) === 0;
    const ports = [
      { name: 'grpc', port: 80, protocol: 'TCP' },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ].slice(0, headless ? below(3) : 1 + below(2));
    const ips = dual ? [`10.96.0.${index + 1}`, `fd00:9::${index + 1}`] : [`10.96.0.${index + 1}`];
    const clusterIPs = headless ? ['None'] : ips;
    add('v1', 'Service', { name }, { spec: { type: 'ClusterIP', clusterIP: clusterIPs[0], clusterIPs, ports } });
    for (const [family, prefix] of [
      ['IPv4', `10.1.${index}.`],
      // In its canonical form (RFC 5952), as the slice controller writes it: names are made of it.
      ['IPv6', `fd00:${index + 1}::`],
    ] as const) {
      if (family === 'IPv6' && !dual) continue;
      const endpoints = Array.from({ length: below(4) }, (_, at) => ({
        addresses: [`${prefix}${at + 1}`],
        ...(below(3) > 0 && { zone: `zone-${below(2)}` }),
        conditions: below(4) === 0 ? { ready: false, serving: true, terminating: true } : { ready: true },
        ...(below(3) === 0 && { hostname: `pod-${at}` }),
      }));
      const slicePorts = ports.map((port) => ({ ...port, port: port.port + 8000 }));
      const labels = { 'kubernetes.io/service-name': name };
      const sliceName = `${name}-${family.toLowerCase()}`;
      add(
        'discovery.k8s.io/v1',
        'EndpointSlice',
        { name: sliceName, labels },
        { addressType: family, ports: slicePorts, endpoints },
      );
    }
  }
  const targets = ['example.com', 's0.default.svc.cluster.local', 'none.default.svc.cluster.local', '192.0.2.7'];
  for (const [index, externalName] of targets.entries()) {
    add('v1', 'Service', { name: `x${index}` }, { spec: { type: 'ExternalName', externalName } });
  }
  return objects;
}

function questions(): readonly Asked[] {
  const names = ['cluster.local', 'svc.cluster.local', 'default.svc.cluster.local', 'other.svc.cluster.local'];
  names.push('quiet.svc.cluster.local', 'x.quiet.svc.cluster.local');
  names.push('dns-version.cluster.local', 'pod.cluster.local', 'a.b.c.d.svc.cluster.local');
  for (let index = 0; index < 13; index++) {
    const service = `s${index}.default.svc.cluster.local`;
    names.push(service, `_grpc._tcp.${service}`, `_dns._udp.${service}`, `_grpc._udp.${service}`, `_._tcp.${service}`);
    names.push(`grpc.tcp.${service}`, `_tcp.${service}`, `pod-0.${service}`, `10-1-${index}-1.${service}`);
    names.push(`zone-1.pin._zone.${service}`, `ZONE-1.prefer._zone.${service}`, `no.such.pin._zone.${service}`);
    names.push(`no.such.prefer._zone.${service}`, `zone-1.other._zone.${service}`);
    names.push(`fd00-${index + 1}--1.${service}`, `1.${index}.1.10.in-addr.arpa`, `${index + 1}.0.96.10.in-addr.arpa`);
  }
  for (let index = 0; index < 4; index++) names.push(`x${index}.default.svc.cluster.local`);
  const types: readonly TypeName[] = ['A', 'AAAA', 'SRV', 'PTR', 'TXT', 'CNAME', 'SOA', 'NS', 'ANY', 'HTTPS'];
  return names.flatMap((name) => types.map((type) => ({ name, type })));
}

interface CoreDns {
  ask(asked: Asked): Promise<DecodedMessage>;
}

async function startCoreDns(t: TestContext, apiServer: string): Promise<CoreDns> {
  const folder = await mkdtemp(join(tmpdir(), 'steelyard-coredns-'));
  const { udp, tcp, port } = await bindBoth();
  udp.close();
  tcp.close();
  await once(tcp, 'close');
  const config = `cluster.local:${port} in-addr.arpa:${port} ip6.arpa:${port} {
  bind 127.0.0.1
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    endpoint ${apiServer}
    ttl 5
    zonal
  }
}
`;
  await writeFile(join(folder, 'Corefile'), config);
  const child = spawn(COMMAND ?? '', ['-conf', join(folder, 'Corefile'), '-quiet'], { stdio: 'ignore' });
  const gone = once(child, 'close');
  const socket = createSocket('udp4');
  t.after(async () => {
    socket.close();
    child.kill('SIGKILL');
    await gone;
    await rm(folder, { recursive: true, force: true });
  });
  const waiting = new Map<number, (answer: Buffer) => void>();
  socket.on('message', (answer) => waiting.get(answer.readUInt16BE(0))?.(answer));
  let id = 0;
  const ask = async (asked: Asked): Promise<DecodedMessage> => {
    id = (id + 1) & 0xffff;
    const query = queryFor({ ...asked, id, edns: EDNS });
    for (let attempt = 0; attempt < 3; attempt++) {
      const answer = await new Promise<Buffer | undefined>((resolve) => {
        const timer = setTimeout(() => resolve(undefined), 1000);
        waiting.set(id, (message) => {
          clearTimeout(timer);
          resolve(message);
        });
        socket.send(query, port, '127.0.0.1');
      });
      waiting.delete(id);
      if (answer !== undefined) return decodeMessage(answer);
    }
    throw new Error(`CoreDNS does not answer ${asked.name} ${asked.type}`);
  };
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await ask({ name: 'svc.cluster.local', type: 'A' }).catch(() => undefined);
    if (answer?.code === 0) return { ask };
    await pause(100);
  }
  throw new Error('CoreDNS does not get ready');
}

const skip = COMMAND === undefined;

for (let seed = 1; seed <= ROUNDS; seed++) {
  test(
    `object set ${seed}: the same answers as CoreDNS, but for what is listed`,
    { skip, timeout: 120_000 },
    async (t) => {
      const api = await startFakeApiServer({ transport: 'http' });
      t.after(() => api.stop());
      for (const resource of ['v1/services', 'discovery.k8s.io/v1/endpointslices', 'v1/namespaces']) {
        api.store.install(resource);
      }
      const namespaces = ['default', 'quiet'];
      for (const name of namespaces) api.store.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      const objects = generate(seed);
      for (const object of objects) api.store.put(object);
      const documents = objects.map((value, index) => ({ file: `${index}`, value, locate: () => undefined }));
      const zone = new Zone('cluster.local', 5);
      zone.update(createCompiler().compile(parseObjects(documents, { defaultNamespace: 'default' })));
      zone.setNamespaces(new Set(namespaces));
      const respond = createResponder({ zone, random: createSeededRandom(seed) });
      const coreDns = await startCoreDns(t, api.url);
      const different: string[] = [];
      const listed = new Map<string, number>();
      let same = 0;
      for (const asked of questions()) {
        const theirs = await coreDns.ask(asked);
        const answer = now(respond(queryFor({ ...asked, edns: EDNS }), 'udp'));
        const ours = answer === undefined ? undefined : decodeMessage(answer);
        if (ours !== undefined && JSON.stringify(gist(ours)) === JSON.stringify(gist(theirs))) {
          same++;
          continue;
        }
        const known = DIFFERENCES.find(([, fits]) => fits(asked, theirs, ours));
        if (known !== undefined) listed.set(known[0], (listed.get(known[0]) ?? 0) + 1);
        else {
          const both = [ours && gist(ours), gist(theirs)].map((each) => JSON.stringify(each)?.slice(0, 300));
          different.push(`${asked.name} ${asked.type}\n  ours   ${both[0]}\n  theirs ${both[1]}`);
        }
      }
      t.diagnostic(`${same} answers the same`);
      for (const [why, count] of listed) t.diagnostic(`${count} differ: ${why}`);
      assert.equal(different.length, 0, `${different.length} differ:\n${different.slice(0, 12).join('\n')}`);
    },
  );
}
