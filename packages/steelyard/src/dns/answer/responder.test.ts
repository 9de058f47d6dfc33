import assert from 'node:assert/strict';
import { isIPv6 } from 'node:net';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { chiSquareTest, createSeededRandom } from '@steelyard/core/balance';
import type { Endpoint, Service, ServiceEntry } from '@steelyard/core/model';
import { serviceKey } from '@steelyard/core/model';
import { encodeName } from '../message/records.ts';
import { createResponder, type Transport } from './responder.ts';
import { now } from './now.test.ts';
import { Zone } from '../zone/zone.ts';

const TYPES = { A: 1, NS: 2, CNAME: 5, SOA: 6, TXT: 16, AAAA: 28, SRV: 33, AXFR: 252, ANY: 255 } as const;
const CODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

type EndpointState = 'ready' | 'ready-terminating' | 'serving-terminating' | 'gone';

function endpoint(address: string, state: EndpointState = 'ready', hostname?: string): Endpoint {
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

function entry(name: string, fields: Partial<Service>, endpoints: readonly Endpoint[] = []): ServiceEntry {
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

const headless = (name: string, ...endpoints: Endpoint[]): ServiceEntry => entry(name, { headless: true }, endpoints);
const alias = (name: string, externalName: string): ServiceEntry => entry(name, { type: 'ExternalName', externalName });

const manyPods = Array.from({ length: 50 }, (_, index) => endpoint(`10.1.0.${index + 1}`));

function snapshotOf(version: number, ...entries: ServiceEntry[]) {
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

interface Asked {
  readonly name: string;
  readonly type?: keyof typeof TYPES;
  readonly dnsClass?: number;
  readonly edns?: { size: number; version?: number; dnssecOk?: boolean };
  readonly transport?: 'udp' | 'tcp';
}

function queryFor({ name, type = 'A', dnsClass = 1, edns }: Asked): Buffer {
  const header = Buffer.from('123401000001000000000000', 'hex');
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(TYPES[type], 0);
  tail.writeUInt16BE(dnsClass, 2);
  const parts = [header, encodeName(name), tail];
  if (edns !== undefined) {
    header.writeUInt16BE(1, 10);
    const opt = Buffer.from('0000290000000000000000', 'hex');
    opt.writeUInt16BE(edns.size, 3);
    opt.writeUInt8(edns.version ?? 0, 6);
    opt.writeUInt16BE(edns.dnssecOk === true ? 0x8000 : 0, 7);
    parts.push(opt);
  }
  return Buffer.concat(parts);
}

/** A decoder of its own: nothing of the encoder is used to judge it. */
function decode(message: Buffer) {
  let at = 12;
  const readName = (): string => {
    const labels: string[] = [];
    let cursor = at;
    let jumped = false;
    for (let steps = 0; ; steps++) {
      assert.ok(steps < 64, 'a name without end');
      const length = message.readUInt8(cursor);
      if (length >= 0xc0) {
        if (!jumped) at = cursor + 2;
        jumped = true;
        cursor = message.readUInt16BE(cursor) & 0x3fff;
        continue;
      }
      cursor += 1 + length;
      if (length === 0) break;
      labels.push(message.toString('latin1', cursor - length, cursor));
    }
    if (!jumped) at = cursor;
    return labels.join('.');
  };
  const readData = (type: number, end: number): string => {
    if (type === TYPES.A) return [...message.subarray(at, end)].join('.');
    if (type === TYPES.AAAA) return message.toString('hex', at, end);
    if (type === TYPES.CNAME) return readName();
    if (type !== TYPES.SOA) return '';
    const names = `${readName()} ${readName()}`;
    return `${names} ${[0, 4, 8, 12, 16].map((offset) => message.readUInt32BE(at + offset)).join(' ')}`;
  };
  const readRecords = (count: number) =>
    Array.from({ length: count }, () => {
      const owner = readName();
      const type = message.readUInt16BE(at);
      const [dnsClass, ttl] = [message.readUInt16BE(at + 2), message.readUInt32BE(at + 4)];
      const end = at + 10 + message.readUInt16BE(at + 8);
      at += 10;
      const data = readData(type, end);
      at = end;
      return { owner, type, dnsClass, ttl, data };
    });
  const flags = message.readUInt16BE(2);
  const counts = [4, 6, 8, 10].map((offset) => message.readUInt16BE(offset));
  const question = counts[0] === 1 ? { name: readName(), type: message.readUInt16BE(at) } : undefined;
  if (question !== undefined) at += 4;
  const [answers, authorities, additional] = [counts[1] ?? 0, counts[2] ?? 0, counts[3] ?? 0].map(readRecords);
  assert.equal(at, message.length, 'nothing follows the records');
  return {
    id: message.readUInt16BE(0),
    code: CODES[flags & 0xf],
    authoritative: (flags & 0x400) !== 0,
    truncated: (flags & 0x200) !== 0,
    question,
    answers: answers ?? [],
    authorities: authorities ?? [],
    additional: additional ?? [],
  };
}

function responder(random = createSeededRandom(4)) {
  const zone = new Zone('cluster.local', 5);
  zone.update(snapshot);
  const respond = createResponder({ zone, random });
  return { zone, respond: (query: Buffer, transport: Transport) => now(respond(query, transport)) };
}

function ask(asked: Asked) {
  const answer = responder().respond(queryFor(asked), asked.transport ?? 'udp');
  assert.ok(answer);
  return decode(answer);
}

const ZONE = '.default.svc.cluster.local';
const addressesOf = (asked: Asked): string[] =>
  ask(asked)
    .answers.map(({ data }) => data)
    .toSorted();

suite('addresses', () => {
  const cases: readonly { name: string; type?: 'A' | 'AAAA'; expected: string[] }[] = [
    { name: 'backend', expected: ['10.97.211.12'] },
    { name: 'dual', expected: ['10.0.0.9'] },
    { name: 'dual', type: 'AAAA', expected: ['fd000000000000000000000000000009'] },
    { name: 'backendh', expected: ['10.80.128.247', '10.80.153.167', '10.80.167.226'] },
    { name: 'v6only', type: 'AAAA', expected: ['fd000001000000000000000000000005'] },
    { name: 'states', expected: ['10.0.2.1', '10.0.2.2'] },
    { name: 'pod-0.named', expected: ['10.0.1.1', '10.0.1.2'] },
    { name: 'fd00--1-2.named', type: 'AAAA', expected: ['fd000000000000000000000000010002'] },
    { name: '10-80-128-247.backendh', expected: ['10.80.128.247'] },
  ];
  for (const { name, type = 'A', expected } of cases) {
    test(`${name} ${type}`, () => assert.deepEqual(addressesOf({ name: name + ZONE, type }), expected));
  }

  test('the answer repeats the question as it was written, and says how long it holds', () => {
    const name = `BackEnd${ZONE}`;
    assert.deepEqual(ask({ name }), {
      id: 0x1234,
      code: 'NOERROR',
      authoritative: true,
      truncated: false,
      question: { name, type: 1 },
      answers: [{ owner: name, type: 1, dnsClass: 1, ttl: 5, data: '10.97.211.12' }],
      authorities: [],
      additional: [],
    });
  });

  test('each pod is as often the first as the others', () => {
    const { respond } = responder();
    const counts = new Map<string, number>();
    for (let query = 0; query < 900; query++) {
      const answer = respond(queryFor({ name: `backendh${ZONE}` }), 'udp');
      const answers = answer === undefined ? [] : decode(answer).answers;
      assert.equal(new Set(answers.map(({ data }) => data)).size, 3);
      const first = answers[0]?.data ?? '';
      counts.set(first, (counts.get(first) ?? 0) + 1);
    }
    assert.equal(counts.size, 3);
    assert.ok(chiSquareTest([...counts.values()], [1, 1, 1]).pValue > 0.001);
  });
});

suite('names without such records', () => {
  const soa = [
    {
      owner: 'cluster.local',
      type: 6,
      dnsClass: 1,
      ttl: 5,
      data: 'ns.dns.cluster.local hostmaster.cluster.local 77 7200 1800 86400 5',
    },
  ];
  const cases: readonly { name: string; type?: keyof typeof TYPES; code: string }[] = [
    { name: `backend${ZONE}`, type: 'AAAA', code: 'NOERROR' },
    { name: `backend${ZONE}`, type: 'TXT', code: 'NOERROR' },
    { name: `backend${ZONE}`, type: 'ANY', code: 'NOERROR' },
    { name: `v6only${ZONE}`, code: 'NOERROR' },
    { name: `pending${ZONE}`, code: 'NOERROR' },
    { name: 'default.svc.cluster.local', code: 'NOERROR' },
    { name: 'svc.cluster.local', code: 'NOERROR' },
    { name: 'cluster.local', code: 'NOERROR' },
    { name: 'other.svc.cluster.local', code: 'NXDOMAIN' },
    { name: 'backend.other.svc.cluster.local', code: 'NXDOMAIN' },
    { name: `none${ZONE}`, code: 'NXDOMAIN' },
    { name: `leaving${ZONE}`, code: 'NXDOMAIN' },
    { name: `a.backend${ZONE}`, code: 'NXDOMAIN' },
    { name: `10-0-1-1.named${ZONE}`, code: 'NXDOMAIN' },
    { name: `10-0-2-3.states${ZONE}`, code: 'NXDOMAIN' },
    { name: 'pod.cluster.local', code: 'NXDOMAIN' },
    { name: `nowhere${ZONE}`, code: 'NXDOMAIN' },
  ];
  for (const { name, type = 'A', code } of cases) {
    test(`${name} ${type} is ${code === 'NXDOMAIN' ? code : 'NODATA'}`, () => {
      const answer = ask({ name, type });
      assert.equal(answer.code, code);
      assert.deepEqual(
        answer.answers.filter((record) => record.type !== TYPES.CNAME),
        [],
      );
      assert.deepEqual(answer.authorities, soa);
      assert.ok(answer.authoritative);
    });
  }

  test('the SOA itself is an answer', () => {
    const answer = ask({ name: 'cluster.local', type: 'SOA' });
    assert.deepEqual([answer.answers, answer.authorities], [soa, []]);
  });
});

suite('aliases', () => {
  const B = 'backend.default.svc.cluster.local';
  const cases: readonly { name: string; type?: keyof typeof TYPES; expected: (readonly [string, string])[] }[] = [
    {
      name: 'inside',
      expected: [
        [`inside${ZONE}`, B],
        [B, '10.97.211.12'],
      ],
    },
    { name: 'inside', type: 'CNAME', expected: [[`inside${ZONE}`, B]] },
    {
      name: 'twice',
      expected: [
        [`twice${ZONE}`, `inside${ZONE}`],
        [`inside${ZONE}`, B],
        [B, '10.97.211.12'],
      ],
    },
    { name: 'outside', expected: [[`outside${ZONE}`, 'example.com']] },
  ];
  for (const { name, type = 'A', expected } of cases) {
    test(`${name} ${type}`, () => {
      const { code, answers } = ask({ name: name + ZONE, type });
      assert.equal(code, 'NOERROR');
      assert.deepEqual(
        answers.map(({ owner, data }) => [owner, data]),
        expected,
      );
    });
  }

  test('a circle ends', () => assert.equal(ask({ name: `loop${ZONE}` }).answers.length, 8));
});

suite('refusals', () => {
  const cases: readonly (Asked & { title: string; code: string })[] = [
    { title: 'a name of another zone', name: 'example.com', code: 'REFUSED' },
    { title: 'a name that only ends alike', name: 'xcluster.local', code: 'REFUSED' },
    { title: 'the root', name: '', code: 'REFUSED' },
    { title: 'another class', name: `backend${ZONE}`, dnsClass: 3, code: 'REFUSED' },
    { title: 'a zone transfer', name: 'cluster.local', type: 'AXFR', transport: 'tcp', code: 'REFUSED' },
  ];
  for (const { title, code, ...asked } of cases) {
    test(title, () => {
      const answer = ask(asked);
      assert.equal(answer.code, code);
      assert.deepEqual([answer.authoritative, answer.answers, answer.authorities], [false, [], []]);
    });
  }
});

suite('sizes', () => {
  const cases: readonly { title: string; asked: Omit<Asked, 'name'>; records: number; bytes: number }[] = [
    { title: 'without EDNS 512 bytes', asked: {}, records: 29, bytes: 512 },
    { title: 'EDNS below 512 means 512', asked: { edns: { size: 100 } }, records: 28, bytes: 507 },
    { title: 'EDNS 700', asked: { edns: { size: 700 } }, records: 40, bytes: 699 },
    { title: 'EDNS 1232 has room for all', asked: { edns: { size: 1232 } }, records: 50, bytes: 859 },
    { title: 'TCP too', asked: { transport: 'tcp' }, records: 50, bytes: 848 },
  ];
  for (const { title, asked, records, bytes } of cases) {
    test(title, () => {
      const answer = responder().respond(queryFor({ name: `many${ZONE}`, ...asked }), asked.transport ?? 'udp');
      assert.ok(answer);
      const { truncated, answers } = decode(answer);
      assert.deepEqual([answers.length, truncated, answer.length], [records, records < 50, bytes]);
      assert.equal(new Set(answers.map(({ data }) => data)).size, records);
    });
  }

  test('more than 1232 bytes never go into one datagram', () => {
    const { zone, respond } = responder();
    const pods = Array.from({ length: 500 }, (_, index) => endpoint(`10.${index >> 8}.1.${index & 255}`));
    zone.update(snapshotOf(78, headless('huge', ...pods)));
    const query = queryFor({ name: `huge${ZONE}`, edns: { size: 4096 } });
    assert.ok((respond(query, 'udp')?.length ?? 0) <= 1232);
    const whole = respond(query, 'tcp');
    assert.equal(whole && decode(whole).answers.length, 500);
  });

  test('EDNS is answered in kind: our size, the DO bit as it came', () => {
    for (const dnssecOk of [true, false]) {
      const { additional } = ask({ name: `backend${ZONE}`, edns: { size: 4096, dnssecOk } });
      assert.deepEqual(additional, [{ owner: '', type: 41, dnsClass: 1232, ttl: dnssecOk ? 0x8000 : 0, data: '' }]);
    }
  });

  test('a later EDNS version is BADVERS', () => {
    const { additional, code, answers } = ask({ name: `backend${ZONE}`, edns: { size: 1232, version: 1 } });
    assert.deepEqual([code, answers, additional[0]?.ttl], ['NOERROR', [], 0x0100_0000]);
  });
});

test('no octets make it throw, and what it answers can be read', () => {
  const { respond } = responder();
  const names = ['backendh', 'many', 'inside', 'none', 'loop'].map((name) => name + ZONE);
  const mutated = fc
    .tuple(fc.constantFrom(...names), fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 4 }), fc.boolean())
    .map(([name, changes, edns]) => {
      const query = queryFor(edns ? { name, edns: { size: 600 } } : { name });
      for (const [offset, value] of changes) if (offset < query.length) query[offset] = value;
      return query;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), mutated), (message) => {
      const answer = respond(Buffer.from(message), 'udp');
      if (answer !== undefined) decode(answer);
    }),
    { seed: 2, numRuns: 3000 },
  );
});

suite('Zone', () => {
  test('takes over what changed and nothing else', () => {
    const [kept, changed, gone] = [
      headless('kept', endpoint('10.0.0.1')),
      headless('c', endpoint('10.0.0.2')),
      entry('gone', { namespace: 'late' }),
    ];
    const zone = new Zone('Cluster.Local.', 5);
    zone.update(snapshotOf(1, kept, changed, gone));
    const before = zone.lookup(`kept${ZONE}`);
    assert.equal(zone.lookup('late.svc.cluster.local').kind, 'empty');
    zone.update(snapshotOf(2, kept, headless('c', endpoint('10.0.0.3', 'ready', 'h'))));
    assert.equal(zone.lookup(`kept${ZONE}`), before, 'the records of an unchanged Service stay the same object');
    assert.equal(zone.lookup('late.svc.cluster.local').kind, 'missing');
    assert.equal(zone.lookup(`10-0-0-2.c${ZONE}`).kind, 'missing');
    assert.equal(zone.lookup(`h.c${ZONE}`).kind, 'addresses');
    assert.equal(zone.serial, 2);
  });

  const refused: readonly { zone: string; ttl: number; message: RegExp }[] = [
    { zone: '', ttl: 5, message: /zone "" is not a domain name/ },
    { zone: 'a..b', ttl: 5, message: /zone "a..b" is not/ },
    { zone: 'a', ttl: -1, message: /the TTL is -1; it must be a whole number of seconds from 0 to 3600/ },
    { zone: 'a', ttl: 3601, message: /the TTL is 3601/ },
  ];
  for (const { zone, ttl, message } of refused) {
    test(`refuses zone ${JSON.stringify(zone)} with TTL ${ttl}`, () => {
      assert.throws(() => new Zone(zone, ttl), { name: 'RangeError', message });
    });
  }
});
