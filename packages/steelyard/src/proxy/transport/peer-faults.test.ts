import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConnectionError, ErrorCode } from '@steelyard/http2';
import { concat, createTestSource, FLAG, FRAME, literalBlock, rawFrame } from '@steelyard/testkit';
import { logThat } from '../../log.test-bed.ts';
import { Attacker, openRequest, REQUEST_FIELDS } from '../abuse/attacker.test-bed.ts';
import { startScriptedPod } from '../end-to-end/scripted-pod.test-bed.ts';
import { createEngine } from './engine.ts';
import { startTimedBed } from './engine.test-bed.ts';
import { PeerFaults } from './peer-faults.ts';

const { DATA, HEADERS, PUSH_PROMISE, RST_STREAM, WINDOW_UPDATE } = FRAME;
const { END_HEADERS } = FLAG;

describe('what the engine ends is counted, and told of once', () => {
  const callers: readonly (readonly [string, Uint8Array, string])[] = [
    ['a flood', concat(...Array.from({ length: 30 }, () => rawFrame(0xf0, 0, 0))), 'ENHANCE_YOUR_CALM'],
    ['DATA on stream 0', rawFrame(DATA, 0, 0, [1]), 'PROTOCOL_ERROR'],
    ['a window beyond its end', rawFrame(WINDOW_UPDATE, 0, 0, [0x7f, 0xff, 0xff, 0xff]), 'FLOW_CONTROL_ERROR'],
  ];
  for (const [what, octets, code] of callers) {
    test(`the connection of a caller: ${what}`, async () => {
      const bed = await startTimedBed(createTestSource([]), { limits: { oddityBurst: 20 } });
      const attacker = new Attacker(bed.port);
      attacker.socket.write(octets);
      await attacker.end();
      assert.deepEqual([...bed.faults().downstream.connections], [[code, 1]]);
      assert.equal(bed.faults().upstream.connections.size, 0);
      const [line, ...more] = bed.said;
      assert.match(line ?? '', new RegExp(`^the connection of 127\\.0\\.0\\.1:\\d+ was ended with ${code}: \\S`));
      assert.equal(more.length, 0);
    });
  }

  test('the connection of a caller: no HTTP/2 at all', async () => {
    const bed = await startTimedBed(createTestSource([]));
    const attacker = new Attacker(bed.port, Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await attacker.end();
    assert.deepEqual([...bed.faults().downstream.connections], [['PROTOCOL_ERROR', 1]]);
    assert.match(bed.said.join(), /PROTOCOL_ERROR: no HTTP\/2 connection preface$/);
  });

  const refused: readonly (readonly [string, Uint8Array, string])[] = [
    ['beyond maxConcurrentStreams', concat(openRequest(1, 0), openRequest(3, 0)), 'REFUSED_STREAM: more streams than'],
    [
      'with a malformed header',
      rawFrame(HEADERS, END_HEADERS, 1, literalBlock([...REQUEST_FIELDS, ['Upper', 'x']])),
      'PROTOCOL_ERROR: ',
    ],
  ];
  for (const [what, octets, says] of refused) {
    test(`a call ${what}`, async () => {
      const pod = await startScriptedPod(() => new Uint8Array());
      const bed = await startTimedBed(createTestSource([pod]), { limits: { maxConcurrentStreams: 1 } });
      const attacker = new Attacker(bed.port);
      attacker.socket.write(octets);
      await attacker.frame(({ type }) => type === RST_STREAM);
      attacker.socket.destroy();
      assert.deepEqual([...bed.faults().downstream.streams], [[says.split(':')[0], 1]]);
      assert.match(bed.said.join(), new RegExp(`^a call of 127\\.0\\.0\\.1:\\d+ was reset with ${says}`));
    });
  }

  test('a call whose body is not as long as it says', async () => {
    const pod = await startScriptedPod(() => new Uint8Array());
    const bed = await startTimedBed(createTestSource([pod]));
    const attacker = new Attacker(bed.port);
    const block = literalBlock([...REQUEST_FIELDS, ['content-length', '1']]);
    attacker.socket.write(concat(rawFrame(HEADERS, END_HEADERS, 1, block), rawFrame(DATA, 0, 1, [1, 2])));
    await attacker.frame(({ type }) => type === RST_STREAM);
    attacker.socket.destroy();
    const { downstream } = bed.faults();
    assert.deepEqual([[...downstream.streams], downstream.connections.size], [[['PROTOCOL_ERROR', 1]], 0]);
    assert.match(bed.said.join(), /^a call of 127\.0\.0\.1:\d+ was reset with PROTOCOL_ERROR: 2 octets /);
  });

  test('a connection to a pod that pushes: the line names the pod', async () => {
    const pod = await startScriptedPod((id) => rawFrame(PUSH_PROMISE, END_HEADERS, id, [0, 0, 0, 2]));
    const bed = await startTimedBed(createTestSource([pod]));
    // It waits for another try, and time stands still.
    bed.caller
      .open()
      .on('error', () => undefined)
      .end('x');
    while (bed.said.length === 0) await new Promise((resolve) => setImmediate(resolve));
    bed.caller.session.destroy();
    assert.deepEqual([...bed.faults().upstream.connections], [['PROTOCOL_ERROR', 1]]);
    assert.match(bed.said[0] ?? '', new RegExp(`^the connection to 127\\.0\\.0\\.1:${pod.port} was ended with PROTOC`));
  });

  test('a call to a pod whose response is malformed', async () => {
    const pod = await startScriptedPod((id) => rawFrame(HEADERS, END_HEADERS, id, literalBlock([['x', 'no status']])));
    const bed = await startTimedBed(createTestSource([pod]));
    assert.equal((await bed.caller.call('x')).headers['grpc-status'], '13');
    assert.deepEqual([...bed.faults().upstream.streams], [['PROTOCOL_ERROR', 1]]);
    assert.match(bed.said.join(), new RegExp(`^a call to 127\\.0\\.0\\.1:${pod.port} was reset with PROTOCOL_ERROR: `));
  });

  test('what callers do by right counts for nothing', async () => {
    const pod = await startScriptedPod(() => new Uint8Array());
    const bed = await startTimedBed(createTestSource([pod]));
    const attacker = new Attacker(bed.port);
    attacker.socket.write(concat(openRequest(1), rawFrame(RST_STREAM, 0, 1, [0, 0, 0, 8])));
    assert.ok(await attacker.outlives());
    attacker.socket.destroy();
    const { streams, connections } = bed.faults().downstream;
    assert.deepEqual([streams.size, connections.size, bed.said], [0, 0, []]);
  });
});

test('of callers at level debug, of pods as warnings', () => {
  const lines: string[] = [];
  const log = logThat({
    debug: (message) => lines.push(`debug ${message}`),
    warn: (message) => lines.push(`warn ${message}`),
  });
  const engine = createEngine({ log });
  const error = new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'why');
  engine.callerFaults.connection(error, { peer: 'A' });
  engine.podFaults.connection(error, { peer: 'B' });
  assert.deepEqual(lines, [
    'debug the connection of A was ended with PROTOCOL_ERROR: why',
    'warn the connection to B was ended with PROTOCOL_ERROR: why',
  ]);
});

test('ten lines in ten seconds, then how many were left out', () => {
  let at = 0;
  const said: string[] = [];
  const faults = new PeerFaults({ connection: 'C', stream: 'S', say: (line) => said.push(line), now: () => at });
  const error = new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'too much');
  for (let i = 0; i < 25; i++) faults.connection(error, { peer: `p${i}` });
  assert.equal(said.length, 10);
  assert.equal(said[9], 'C p9 was ended with ENHANCE_YOUR_CALM: too much');
  at = 10_000;
  faults.stream(ErrorCode.PROTOCOL_ERROR, 'malformed', 'bad', { peer: 'q' });
  assert.deepEqual(said.slice(10), [
    '15 more such lines were left out (the metrics count all)',
    'S q was reset with PROTOCOL_ERROR: bad',
  ]);
  assert.equal(faults.counts.connections.get('ENHANCE_YOUR_CALM'), 25);
});
