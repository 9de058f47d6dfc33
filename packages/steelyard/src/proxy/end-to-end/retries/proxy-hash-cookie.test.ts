import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { named, newCaller, startRules } from '../proxy-rules.test-bed.ts';

const NAMES = ['a', 'b', 'c', 'd'];
const pods = NAMES.map((name) => ({ behaviour: named(name) }));
const byCookie = (httpCookie: object): object => ({ loadBalancer: { consistentHash: { httpCookie } } });

describe('consistentHash.httpCookie with a ttl', () => {
  test('a caller without the cookie gets one, and its calls stay where the first went', async () => {
    const attributes = [{ name: 'SameSite', value: 'Strict' }, { name: 'Secure' }];
    const trafficPolicy = byCookie({ name: 'user', path: '/echo', ttl: '90s', attributes });
    const { port, findings } = await startRules({ pods, trafficPolicy });
    assert.deepEqual(findings, []);
    const seen = new Set<unknown>();
    for (let i = 0; i < 24; i++) {
      const caller = newCaller(port);
      const first = await caller.call('x');
      const [cookie = ''] = first.headers['set-cookie'] ?? [];
      const form = /^user="(?<value>[0-9a-f]{16})"; Max-Age=90; Path=\/echo; SameSite=Strict; Secure; HttpOnly$/;
      const value = form.exec(cookie)?.groups?.['value'];
      assert.ok(value !== undefined, cookie);
      const pod = first.headers['x-pod'];
      seen.add(pod);
      // Until the answer is there others may be on their way.
      assert.equal((await caller.call('x')).headers['x-pod'], pod);
      for (const text of [`user="${value}"`, `lang=en; user=${value}`]) {
        const later = await newCaller(port).call('x', { cookie: text });
        assert.equal(later.headers['x-pod'], pod, text);
        assert.equal(later.headers['set-cookie'], undefined);
      }
      await caller.close();
    }
    assert.ok(seen.size > 1, 'callers are spread');
  });

  for (const [what, cookie, expected] of [
    ['a ttl of 0 lasts as long as the session', { name: 'user', ttl: '0s' }, /^user="[0-9a-f]{16}"; HttpOnly$/],
    ['less than a second is one', { name: 'user', ttl: '200ms' }, /^user="[0-9a-f]{16}"; Max-Age=1; HttpOnly$/],
  ] as const) {
    test(what, async () => {
      const { caller } = await startRules({ pods, trafficPolicy: byCookie(cookie) });
      assert.match((await caller.call('x')).headers['set-cookie']?.[0] ?? '', expected);
    });
  }

  test('without a ttl none is made', async () => {
    const { caller } = await startRules({ pods, trafficPolicy: byCookie({ name: 'user' }) });
    assert.equal((await caller.call('x')).headers['set-cookie'], undefined);
  });
});
