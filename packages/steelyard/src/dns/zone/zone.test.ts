import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { endpoint, entry, headless, snapshotOf, ZONE } from '../answer/answers.test-bed.ts';
import { Zone } from './zone.ts';

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
