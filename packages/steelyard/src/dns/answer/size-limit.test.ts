import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decodeMessage, queryFor } from '../message/messages.test-bed.ts';
import { ask, type Asked, endpoint, headless, snapshotOf, startResponder, ZONE } from './answers.test-bed.ts';

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
      const answer = startResponder().respond(queryFor({ name: `many${ZONE}`, ...asked }), asked.transport ?? 'udp');
      assert.ok(answer);
      const { truncated, answers } = decodeMessage(answer);
      assert.deepEqual([answers.length, truncated, answer.length], [records, records < 50, bytes]);
      assert.equal(new Set(answers.map(({ data }) => data)).size, records);
    });
  }

  test('more than 1232 bytes never go into one datagram', () => {
    const { zone, respond } = startResponder();
    const pods = Array.from({ length: 500 }, (_, index) => endpoint(`10.${index >> 8}.1.${index & 255}`));
    zone.update(snapshotOf(78, headless('huge', ...pods)));
    const query = queryFor({ name: `huge${ZONE}`, edns: { size: 4096 } });
    assert.ok((respond(query, 'udp')?.length ?? 0) <= 1232);
    const whole = respond(query, 'tcp');
    assert.equal(whole && decodeMessage(whole).answers.length, 500);
  });

  test('EDNS is answered in kind: our size, the DO bit as it came', () => {
    for (const dnssecOk of [true, false]) {
      const { additional } = ask({ name: `backend${ZONE}`, edns: { size: 4096, dnssecOk } });
      assert.deepEqual(additional, [{ owner: '', type: 41, dnsClass: 1232, ttl: dnssecOk ? 0x8000 : 0, data: '' }]);
    }
  });

  test('a later EDNS version is BADVERS', () => {
    const { additional, code, answers } = ask({ name: `backend${ZONE}`, edns: { size: 1232, version: 1 } });
    assert.deepEqual([code, answers, additional[0]?.ttl], [0, [], 0x0100_0000]);
  });
});
