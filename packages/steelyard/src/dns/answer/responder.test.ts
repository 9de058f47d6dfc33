import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { chiSquareTest } from '@steelyard/core/balance';
import { type CodeName, CODES, decodeMessage, queryFor, type TypeName, TYPES } from '../message/messages.test-bed.ts';
import { ask, type Asked, startResponder, ZONE } from './answers.test-bed.ts';

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
      id: 7,
      code: CODES.NOERROR,
      authoritative: true,
      truncated: false,
      question: { name, type: 1 },
      answers: [{ owner: name, type: 1, dnsClass: 1, ttl: 5, data: '10.97.211.12' }],
      authorities: [],
      additional: [],
    });
  });

  test('each pod is as often the first as the others', () => {
    const { respond } = startResponder();
    const counts = new Map<string, number>();
    for (let query = 0; query < 900; query++) {
      const answer = respond(queryFor({ name: `backendh${ZONE}` }), 'udp');
      const answers = answer === undefined ? [] : decodeMessage(answer).answers;
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
  const cases: readonly { name: string; type?: TypeName; code: CodeName }[] = [
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
      assert.equal(answer.code, CODES[code]);
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
  const cases: readonly { name: string; type?: TypeName; expected: (readonly [string, string])[] }[] = [
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
      assert.equal(code, CODES.NOERROR);
      assert.deepEqual(
        answers.map(({ owner, data }) => [owner, data]),
        expected,
      );
    });
  }

  test('a circle ends', () => assert.equal(ask({ name: `loop${ZONE}` }).answers.length, 8));
});

suite('refusals', () => {
  const cases: readonly (Asked & { title: string; code: CodeName })[] = [
    { title: 'a name of another zone', name: 'example.com', code: 'REFUSED' },
    { title: 'a name that only ends alike', name: 'xcluster.local', code: 'REFUSED' },
    { title: 'the root', name: '', code: 'REFUSED' },
    { title: 'another class', name: `backend${ZONE}`, dnsClass: 3, code: 'REFUSED' },
    { title: 'a zone transfer', name: 'cluster.local', type: 'AXFR', transport: 'tcp', code: 'REFUSED' },
  ];
  for (const { title, code, ...asked } of cases) {
    test(title, () => {
      const answer = ask(asked);
      assert.equal(answer.code, CODES[code]);
      assert.deepEqual([answer.authoritative, answer.answers, answer.authorities], [false, [], []]);
    });
  }
});

test('no octets make it throw, and what it answers can be read', () => {
  const { respond } = startResponder();
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
      if (answer !== undefined) decodeMessage(answer);
    }),
    { seed: 2, numRuns: 3000 },
  );
});
