import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { queryFor } from '../message/messages.test-bed.ts';
import { a, answerTo } from './fake-upstream.test-bed.ts';
import { writeForwardedAnswer } from './forwarded-message.ts';
import { parseQuery } from '../message/parse-query.ts';
import { parseResolvConf } from './resolv-conf.ts';
import { parseUpstreamAnswer } from './upstream-answer.ts';

const QUERY = queryFor({ name: 'www.example.com', edns: { size: 1232 } });
const GOOD = answerTo({ message: QUERY, transport: 'udp', port: 1 }, { answers: [a('192.0.2.1'), a('192.0.2.2')] });
const END = 12 + 17 + 4;

test('any octets from upstream have a result, and whatever is taken can be passed on within its limit', () => {
  const spoiled = fc.array(fc.tuple(fc.nat(GOOD.length - 1), fc.nat(255)), { maxLength: 6 });
  const asked = parseQuery(QUERY);
  assert.ok(asked.kind === 'query');
  fc.assert(
    fc.property(spoiled, fc.nat(GOOD.length), fc.integer({ min: END, max: 200 }), (changes, length, room) => {
      const message = Buffer.from(GOOD.subarray(0, length === 0 ? GOOD.length : length));
      for (const [at, octet] of changes) if (at < message.length) message[at] = octet;
      const answer = parseUpstreamAnswer(message, QUERY, END);
      if (answer === undefined) return;
      const limit = room + 11;
      const written = writeForwardedAnswer(answer, asked, QUERY, 3, limit);
      assert.ok(written.length <= limit);
      assert.equal(written.readUInt16BE(0), 7);
    }),
  );
  fc.assert(fc.property(fc.uint8Array(), (octets) => void parseUpstreamAnswer(Buffer.from(octets), QUERY, END)));
});

test('name servers of a resolv.conf', () => {
  const text = `# a comment
nameserver 10.0.0.2
search svc.cluster.local
  nameserver\tfd00::2 # of the node
nameserver fe80::1%eth0
nameserver not-an-address
nameserver 10.0.0.9
options ndots:5`;
  assert.deepEqual(
    parseResolvConf(text).map(({ host, port }) => `${host} ${port}`),
    ['10.0.0.2 53', 'fd00::2 53', 'fe80::1%eth0 53'],
  );
  assert.deepEqual(parseResolvConf(''), []);
  fc.assert(fc.property(fc.string(), (any) => void parseResolvConf(any)));
});
