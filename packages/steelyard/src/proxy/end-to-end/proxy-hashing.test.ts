import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { describe, test } from 'node:test';
import type { PodBehaviour } from '@steelyard/testkit';
import { freePort } from '@steelyard/testkit';
import { named, newCaller, startRules, whoAnswers } from './proxy-rules.test-bed.ts';

const NAMES = ['a', 'b', 'c', 'd'];
const pods = NAMES.map((name) => ({ behaviour: named(name) }));
const byHash = (consistentHash: object): object => ({ loadBalancer: { consistentHash } });
const users = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `user-${index}`);
/** Each key as often as this, one round after the other. */
const ROUNDS = 4;

/** What a caller says, by the key it says. */
const WAYS: readonly [string, object, (user: string) => object][] = [
  ['a header', { httpHeaderName: 'X-User' }, (user) => ({ 'x-user': user })],
  ['a header, by Maglev', { httpHeaderName: 'x-user', maglev: { tableSize: 65_537 } }, (user) => ({ 'x-user': user })],
  ['a cookie', { httpCookie: { name: 'user' } }, (user) => ({ cookie: `lang=en; user=${user}` })],
  ['a query parameter', { httpQueryParameterName: 'user' }, (user) => ({ ':path': `/echo.Echo/Say?user=${user}` })],
];

describe('consistent hashing: calls of one key have one pod', () => {
  for (const [what, consistentHash, say] of WAYS) {
    test(what, async () => {
      const { caller, findings } = await startRules({ pods, trafficPolicy: byHash(consistentHash) });
      assert.deepEqual(findings, []);
      const keys = users(64);
      const first = await whoAnswers(caller, keys.map(say));
      assert.deepEqual(new Set(first), new Set(NAMES), 'keys are spread over all pods');
      for (let round = 1; round < ROUNDS; round++) assert.deepEqual(await whoAnswers(caller, keys.map(say)), first);
    });
  }

  test('a call without the key goes anywhere', async () => {
    const { caller } = await startRules({ pods, trafficPolicy: byHash({ httpHeaderName: 'x-user' }) });
    const calls = Array.from({ length: 64 }, () => ({ 'x-other': 'x' }));
    assert.deepEqual(new Set(await whoAnswers(caller, calls)), new Set(NAMES));
  });

  test('the address of the caller, from whichever port', async () => {
    const { port, findings } = await startRules({ pods, trafficPolicy: byHash({ useSourceIp: true }) });
    assert.deepEqual(findings, []);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => whoAnswers(newCaller(port), [{}, { 'x-user': 'a' }, { 'x-user': 'b' }])),
    );
    assert.equal(new Set(answers.flat()).size, 1);
  });

  test('the key is what the caller sent, not what a rule makes of it', async () => {
    const http = [
      { headers: { request: { set: { 'x-user': 'the same' } } }, route: [{ destination: { host: 'backend' } }] },
    ];
    const { caller } = await startRules({ pods, http, trafficPolicy: byHash({ httpHeaderName: 'x-user' }) });
    const answers = await whoAnswers(
      caller,
      users(64).map((user) => ({ 'x-user': user })),
    );
    assert.deepEqual(new Set(answers), new Set(NAMES));
  });
});

describe('consistent hashing and calls that are sent again', () => {
  test('a pod that cannot be reached: its keys go to others, the keys of others stay', async () => {
    const ports = [await freePort()];
    const trafficPolicy = byHash({ httpHeaderName: 'x-user' });
    const { caller } = await startRules({ pods, ports, trafficPolicy });
    const calls = users(100).map((user) => ({ 'x-user': user }));
    const first = await whoAnswers(caller, calls);
    const second = await whoAnswers(caller, calls);
    assert.ok([...first, ...second].every((name) => NAMES.includes(name)));
    const moved = first.filter((name, index) => second[index] !== name).length;
    assert.ok(moved > 0 && moved <= 50, `${moved} of 100 keys had no fixed pod; one in five is expected`);
  });

  test('a pod that refuses the stream is asked again: it has the key', async () => {
    const refused = new Set<unknown>();
    const reluctant = (name: string): PodBehaviour => {
      const answer = named(name);
      return (stream, headers) => {
        const user = headers['x-user'];
        if (refused.has(user)) {
          answer(stream, headers);
          return;
        }
        refused.add(user);
        stream.close(constants.NGHTTP2_REFUSED_STREAM);
      };
    };
    const trafficPolicy = byHash({ httpHeaderName: 'x-user' });
    const reluctantPods = NAMES.map((name) => ({ behaviour: reluctant(name) }));
    const { caller } = await startRules({ pods: reluctantPods, trafficPolicy });
    const calls = users(64).map((user) => ({ 'x-user': user }));
    const first = await whoAnswers(caller, calls);
    assert.equal(refused.size, 64);
    assert.deepEqual(await whoAnswers(caller, calls), first);
  });
});
