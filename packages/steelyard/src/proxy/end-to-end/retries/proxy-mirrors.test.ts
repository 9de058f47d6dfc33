import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { describe, test } from 'node:test';
import { collect, echo, type PodBehaviour } from '@steelyard/testkit';
import { type RulesBed, startRules } from '../proxy-rules.test-bed.ts';
import { hangs, says, statusOf, until } from './scripted-pods.test-bed.ts';

interface Copy {
  readonly path: string;
  readonly authority: string;
  readonly meta: string;
  body: Buffer;
  ended: boolean;
  resetCode: number | undefined;
}

interface MirrorBed extends RulesBed {
  readonly copies: readonly Copy[];
}

/** Calls go to subset `a`, copies to `b`, which answers as it is told. */
async function startMirror(mirror: object, answer: PodBehaviour = says('OK'), more: object = {}): Promise<MirrorBed> {
  const copies: Copy[] = [];
  const record: PodBehaviour = (stream, headers) => {
    const { ':path': path = '', ':authority': authority = '', 'x-meta': meta = '' } = headers;
    const copy: Copy = {
      path,
      authority,
      meta: String(meta),
      body: Buffer.alloc(0),
      ended: false,
      resetCode: undefined,
    };
    copies.push(copy);
    stream.on('data', (chunk: Buffer) => (copy.body = Buffer.concat([copy.body, chunk])));
    stream.on('end', () => (copy.ended = true));
    stream.on('close', () => (copy.resetCode = stream.rstCode));
    answer(stream, headers);
  };
  const bed = await startRules({
    pods: [{ behaviour: echo }, { behaviour: record }],
    subsets: [
      { name: 'a', labels: { pod: '0' } },
      { name: 'b', labels: { pod: '1' } },
    ],
    http: [{ route: [{ destination: { host: 'backend', subset: 'a' } }], ...mirror, ...more }],
  });
  return { ...bed, copies };
}

const TO_B = { destination: { host: 'backend', subset: 'b' } };

describe('mirrors', () => {
  test('get the same request; what they answer is dropped', async () => {
    const { caller, copies, findings } = await startMirror(
      { mirrors: [TO_B] },
      says('INTERNAL', { 'x-shadow': 'yes' }),
    );
    assert.deepEqual(findings, []);
    for (let i = 0; i < 20; i++) {
      const body = randomBytes(i * 2000);
      const reply = await caller.call(body, { 'x-meta': `call ${i}` });
      assert.equal(statusOf(reply), 'OK');
      assert.ok(reply.body.equals(body));
      assert.equal(reply.headers['x-shadow'], undefined);
      await until(() => copies[i]?.ended === true);
      assert.ok(copies[i]?.body.equals(body));
      assert.equal(copies[i]?.meta, `call ${i}`);
      assert.equal(copies[i]?.authority, 'backend:8000');
      assert.equal(copies[i]?.path, '/echo.Echo/Say');
    }
  });

  for (const [what, mirror, low, high] of [
    ['mirror, all', { mirror: TO_B.destination }, 200, 200],
    ['mirrorPercentage 25', { mirror: TO_B.destination, mirrorPercentage: { value: 25 } }, 25, 80],
    ['mirrorPercentage 0', { mirror: TO_B.destination, mirrorPercentage: { value: 0 } }, 0, 0],
    [
      'two mirrors',
      {
        mirrors: [
          { ...TO_B, percentage: { value: 100 } },
          { ...TO_B, percentage: { value: 50 } },
        ],
      },
      260,
      340,
    ],
  ] as const) {
    test(`${what}: ${low} to ${high} copies of 200 calls`, async () => {
      const { caller, copies } = await startMirror(mirror);
      for (let i = 0; i < 200; i++) assert.equal(statusOf(await caller.call('x')), 'OK');
      await until(() => copies.length >= low);
      assert.ok(copies.length <= high, String(copies.length));
    });
  }

  test('a request that changes on its way is copied as it goes on', async () => {
    const { caller, copies } = await startMirror({
      match: [{ uri: { exact: '/echo.Echo/Say' } }],
      mirrors: [TO_B],
      rewrite: { uri: '/other.Echo/Say' },
    });
    await caller.call('x');
    await until(() => copies.length === 1);
    assert.equal(copies[0]?.path, '/other.Echo/Say');
  });

  test('a stream is copied as it comes', async () => {
    const { caller, copies } = await startMirror({ mirrors: [TO_B] }, echo);
    const stream = caller.open();
    const reply = collect(stream);
    stream.write('one ');
    await until(() => String(copies[0]?.body) === 'one ');
    stream.write('two ');
    await until(() => String(copies[0]?.body) === 'one two ');
    stream.end('three');
    assert.equal(String((await reply).body), 'one two three');
    await until(() => copies[0]?.ended === true);
    assert.equal(String(copies[0]?.body), 'one two three');
  });

  test('one that takes nothing is given up, and the call goes on', async () => {
    const deaf: PodBehaviour = (stream) => void stream.pause();
    const { caller, copies } = await startMirror({ mirrors: [TO_B] }, deaf);
    const body = randomBytes(3_000_000);
    const reply = await caller.call(body);
    assert.ok(reply.body.equals(body));
    await until(() => copies[0]?.resetCode !== undefined);
    assert.equal(copies[0]?.resetCode, constants.NGHTTP2_CANCEL);
  });

  test('what they answer at length is read and dropped', async () => {
    let sent = 0;
    const verbose: PodBehaviour = (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => {
        sent = 4_000_000;
        stream.sendTrailers({ 'grpc-status': '0' });
      });
      stream.end(Buffer.alloc(4_000_000));
    };
    const { caller } = await startMirror({ mirrors: [TO_B] }, verbose);
    assert.equal(statusOf(await caller.call('x')), 'OK');
    await until(() => sent > 0);
  });

  test('a caller that cancels cancels its copies; one that has its answer does not', async () => {
    const { caller, copies } = await startMirror({ mirrors: [TO_B] }, hangs);
    const stream = caller.open();
    stream.on('error', () => undefined).write('x');
    await until(() => copies.length === 1);
    stream.close(constants.NGHTTP2_CANCEL);
    await until(() => copies[0]?.resetCode !== undefined);
    assert.equal(copies[0]?.resetCode, constants.NGHTTP2_CANCEL);
    await caller.call('y');
    await until(() => copies[1]?.ended === true);
    await caller.call('z');
    await until(() => copies[2]?.ended === true);
    assert.equal(copies[1]?.resetCode, undefined, 'its pod may finish');
  });

  test('a pod that breaks, or that is not there, is nothing to the caller', async () => {
    const dies: PodBehaviour = (stream) => stream.session?.destroy();
    const { caller } = await startMirror({ mirrors: [TO_B] }, dies);
    for (let i = 0; i < 10; i++) assert.equal(statusOf(await caller.call('x')), 'OK');
    const nobody = { destination: { host: 'backend', subset: 'none' } };
    const bed = await startMirror({ mirrors: [nobody] });
    assert.equal(statusOf(await bed.caller.call('x')), 'OK');
  });

  test('a call that fails before it reaches a pod has no copy', async () => {
    const fault = { abort: { grpcStatus: 'ABORTED', percentage: { value: 100 } } };
    const { caller, copies } = await startMirror({ mirrors: [TO_B] }, says('OK'), { fault });
    assert.equal(statusOf(await caller.call('x')), 'ABORTED');
    assert.equal(copies.length, 0);
    const stream = caller.open();
    await Promise.all([once(stream, 'close'), collect(stream.end())]);
  });
});
