import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { createSeededRandom } from '@steelyard/core/balance';
import { recordingLog } from '../../log.test-bed.ts';
import type { SocketAddress } from '../../net-address.ts';
import { createResponder, type Transport } from '../answer/responder.ts';
import { decodeMessage, type DecodedMessage, queryFor, type QueryFor } from '../message/messages.test-bed.ts';
import { Zone } from '../zone/zone.ts';
import { a, answerTo, type FakeUpstream, soa, startFakeUpstream } from './fake-upstream.test-bed.ts';
import { createForwarder, type Forwarder } from './forwarder.ts';

interface Bed {
  readonly forwarder: Forwarder;
  readonly lines: string[];
  /** Moved by hand, for the cache. */
  readonly clock: { nowMs: number };
  readonly ask: (query: QueryFor, transport?: Transport) => Promise<DecodedMessage>;
}

function start(t: TestContext, upstreams: readonly SocketAddress[], cacheSeconds = 30): Bed {
  const lines: string[] = [];
  const clock = { nowMs: 0 };
  const forwarder = createForwarder(
    { upstreams, cacheSeconds },
    { random: createSeededRandom(5), now: () => clock.nowMs, log: recordingLog(lines), loopLabel: 'probe' },
  );
  t.after(() => forwarder.close());
  const zone = new Zone('cluster.local', 5);
  const respond = createResponder({ zone, random: createSeededRandom(5), forward: forwarder.forward });
  return {
    forwarder,
    lines,
    clock,
    async ask(query, transport = 'udp') {
      const answer = await respond(queryFor(query), transport);
      assert.ok(answer !== undefined);
      return decodeMessage(answer);
    },
  };
}

/** Without our own probes. */
const asked = ({ queries }: FakeUpstream): number => queries.filter(({ message }) => !isProbe(message)).length;
const isProbe = (message: Buffer): boolean => message.includes('steelyard-loop');
const addresses = ({ answers }: DecodedMessage): string[] => answers.map(({ data }) => data);

suite('forwarding', () => {
  test('a name of nobody here is asked upstream, with an ID and a port of its own, and kept', async (t) => {
    const upstream = await startFakeUpstream(t, (query) => [answerTo(query, { answers: [a('192.0.2.1', 20)] })]);
    const { ask, clock, forwarder } = start(t, [upstream.address]);
    const answer = await ask({ name: 'WWW.example.com' });
    assert.deepEqual([answer.id, answer.code, addresses(answer)], [7, 0, ['192.0.2.1']]);
    assert.equal(answer.additional.length, 0, 'who did not speak EDNS gets none');
    clock.nowMs = 5900;
    const kept = await ask({ name: 'www.example.com', id: 8, edns: { size: 1232 } });
    assert.deepEqual([kept.id, kept.answers[0]?.ttl, kept.additional[0]?.type], [8, 15, 41]);
    assert.equal(asked(upstream), 1);
    clock.nowMs = 20_000;
    await ask({ name: 'www.example.com' });
    assert.equal(asked(upstream), 2);
    assert.deepEqual(forwarder.report().cache.hits, { success: 1, denial: 0 });
    const [first, second] = upstream.queries.filter(({ message }) => !isProbe(message));
    assert.notEqual(first?.message.readUInt16BE(0), 7);
    assert.notEqual(first?.message.readUInt16BE(0), second?.message.readUInt16BE(0));
  });

  const lives: readonly [string, Parameters<typeof answerTo>[1], number][] = [
    ['the least of its TTLs', { answers: [a('192.0.2.1', 9), a('192.0.2.2', 3)] }, 3],
    ['no more than is kept at most', { answers: [a('192.0.2.1', 86_400)] }, 30],
    ['not at all with TTL 0', { answers: [a('192.0.2.1', 0)] }, 0],
    ["NXDOMAIN: the SOA's minimum", { code: 3, authorities: [soa(4)] }, 4],
    ['NODATA: the TTL of the SOA where that is less', { authorities: [soa(900, 6)] }, 6],
    ['NXDOMAIN without SOA: not at all', { code: 3 }, 0],
    ['SERVFAIL: five seconds', { code: 2 }, 5],
  ];
  for (const [name, said, seconds] of lives) {
    test(`how long an answer is kept: ${name}`, async (t) => {
      const upstream = await startFakeUpstream(t, (query) => [answerTo(query, said)]);
      const { ask, clock } = start(t, [upstream.address]);
      await ask({ name: 'x.example' });
      assert.equal(asked(upstream), 1);
      clock.nowMs = seconds * 1000 - 1;
      if (seconds > 0) await ask({ name: 'x.example' });
      assert.equal(asked(upstream), 1);
      clock.nowMs = seconds * 1000;
      await ask({ name: 'x.example' });
      assert.equal(asked(upstream), 2);
    });
  }

  test('many who ask the same at once cost one question', async (t) => {
    const upstream = await startFakeUpstream(t, (query) => [answerTo(query, { answers: [a('192.0.2.1', 0)] })]);
    const { ask } = start(t, [upstream.address]);
    const answers = await Promise.all([1, 2, 3, 4].map((id) => ask({ name: 'same.example', id })));
    assert.deepEqual(
      answers.map(({ id }) => id),
      [1, 2, 3, 4],
    );
    assert.equal(asked(upstream), 1);
  });

  test('what does not fit upstream comes by TCP, and to us as far as it fits', async (t) => {
    const many = Array.from({ length: 120 }, (_, index) => a(`192.0.2.${index}`));
    const upstream = await startFakeUpstream(t, (query) => [
      query.transport === 'udp' ? answerTo(query, { truncated: true }) : answerTo(query, { answers: many }),
    ]);
    const { ask } = start(t, [upstream.address]);
    const short = await ask({ name: 'many.example' });
    assert.deepEqual([short.truncated, short.answers.length], [true, 30]);
    const longer = await ask({ name: 'many.example', edns: { size: 4096 } });
    assert.deepEqual([longer.truncated, longer.answers.length], [true, 74]);
    const whole = await ask({ name: 'many.example' }, 'tcp');
    assert.deepEqual([whole.truncated, whole.answers.length], [false, 120]);
    assert.deepEqual(
      upstream.queries.filter(({ message }) => !isProbe(message)).map(({ transport }) => transport),
      ['udp', 'tcp'],
    );
  });

  test('answers with a wrong ID, a wrong question or no sense are not taken', async (t) => {
    const wrong: ((good: Buffer) => Buffer)[] = [
      (good) => good.fill((good[0] ?? 0) ^ 0xff, 0, 1),
      (good) => good.fill('y', 13, 14),
      (good) => good.fill(0, 2, 3),
      (good) => good.subarray(0, 20),
      (good) => good.subarray(0, good.length - 20),
      () => Buffer.alloc(0),
    ];
    const upstream = await startFakeUpstream(t, (query) => [
      ...wrong.map((spoil) => spoil(answerTo(query, { answers: [a('203.0.113.9')] }))),
      answerTo(query, { answers: [a('192.0.2.1')] }),
    ]);
    const { ask } = start(t, [upstream.address]);
    assert.deepEqual(addresses(await ask({ name: 'xx.example' })), ['192.0.2.1']);
  });

  test('a server without EDNS is asked without', async (t) => {
    const upstream = await startFakeUpstream(t, (query) => [
      query.message.readUInt16BE(10) > 0
        ? answerTo(query, { code: 1 })
        : answerTo(query, { answers: [a('192.0.2.1')] }),
    ]);
    const { ask } = start(t, [upstream.address]);
    assert.deepEqual(addresses(await ask({ name: 'old.example' })), ['192.0.2.1']);
  });

  test('one that is not there, or refuses, is passed over for one that answers', async (t) => {
    const good = await startFakeUpstream(t, (query) => [answerTo(query, { answers: [a('192.0.2.1')] })]);
    const refusing = await startFakeUpstream(t, (query) => [answerTo(query, { code: 5 })]);
    const gone = { host: '127.0.0.1', port: await closedPort() };
    const { ask, forwarder } = start(t, [gone, refusing.address, good.address], 0);
    for (let count = 0; count < 12; count++) {
      assert.deepEqual(addresses(await ask({ name: `n${count}.example` })), ['192.0.2.1']);
    }
    const health = forwarder.report().upstreams.map(({ healthy }) => healthy);
    assert.deepEqual(health, [false, true, true], 'after two failures it is taken for dead');
  });

  test('an address that cannot even be tried is as good as one that does not answer', async (t) => {
    const good = await startFakeUpstream(t, (query) => [answerTo(query, { answers: [a('192.0.2.1')] })]);
    for (const host of ['fe80::1%none', 'not-an-address', '::ffff:300.1.1.1']) {
      const { ask } = start(t, [{ host, port: 53 }, good.address], 0);
      for (let count = 0; count < 4; count++) {
        assert.deepEqual(addresses(await ask({ name: `n${count}.example` })), ['192.0.2.1'], host);
      }
    }
  });

  test('nobody answers: SERVFAIL; refused by all: what they say', async (t) => {
    const gone = { host: '127.0.0.1', port: await closedPort() };
    assert.equal((await start(t, [gone]).ask({ name: 'x.example' })).code, 2);
    const refusing = await startFakeUpstream(t, (query) => [answerTo(query, { code: 5 })]);
    assert.equal((await start(t, [refusing.address]).ask({ name: 'x.example' })).code, 5);
  });

  test('our own names never go upstream; reverse names that are not ours do', async (t) => {
    const upstream = await startFakeUpstream(t, (query) => [answerTo(query, { code: 3, authorities: [soa(1)] })]);
    const { ask } = start(t, [upstream.address]);
    assert.equal((await ask({ name: 'none.default.svc.cluster.local' })).authoritative, true);
    assert.equal(asked(upstream), 0);
    assert.equal((await ask({ name: '8.8.8.8.in-addr.arpa', type: 'PTR' })).code, 3);
    assert.equal(asked(upstream), 1);
    assert.equal((await ask({ name: 'example.com', type: 'AXFR' })).code, 5);
    assert.equal(asked(upstream), 1);
  });

  test('a loop is found by its probe, and nothing is forwarded while there is one', async (t) => {
    const bed: { current?: Bed } = {};
    let looping = true;
    const upstream = await startFakeUpstream(t, (query) => {
      // What comes here goes back to the server that sent it.
      if (looping) void bed.current?.ask({ name: 'probe.steelyard-loop.invalid', type: 'HINFO' });
      return [answerTo(query, { answers: [a('192.0.2.1')] })];
    });
    bed.current = start(t, [upstream.address]);
    await bed.current.ask({ name: 'first.example' });
    while (!upstream.queries.some(({ message }) => isProbe(message))) await new Promise(setImmediate);
    await new Promise(setImmediate);
    assert.equal((await bed.current.ask({ name: 'x.example' })).code, 2);
    assert.match(bed.current.lines.join('\n'), /what is forwarded comes back/);
    looping = false;
    bed.current.clock.nowMs = 60_000;
    assert.deepEqual(addresses(await bed.current.ask({ name: 'x.example' })), ['192.0.2.1']);
  });
});

async function closedPort(): Promise<number> {
  const { createSocket } = await import('node:dgram');
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve);
  });
  const { port } = socket.address();
  await new Promise<void>((resolve) => {
    socket.close(resolve);
  });
  return port;
}
