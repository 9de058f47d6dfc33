import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { ConnectionSubject, FLAG, FRAME, rawFrame, request, setting, uint32 } from '@steelyard/testkit';

const { DATA, SETTINGS, WINDOW_UPDATE } = FRAME;

describe('DATA that waits', () => {
  test('takes about as much memory as it has octets, however small its pieces', () => {
    const server = new ConnectionSubject('server');
    server.receive(request(1, FLAG.END_STREAM));
    server.connection.setWritable(false);
    const stream = server.stream(1);
    const message = Uint8Array.of(0, 0, 0, 0, 0);
    for (let turn = 0; turn < 50_000; turn++) server.connection.sendData(stream, message, 0, 5, false);
    assert.equal(server.connection.queuedLength, 250_000);
    const memory = new Set(stream.queue.map(({ buffer }) => buffer));
    const octets = [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0);
    assert.ok(stream.queue.length <= 130, `${stream.queue.length} pieces`);
    assert.ok(octets <= 300_000, `${octets} octets`);
  });

  test('is what was sent, in its order, whatever waits and goes between', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('send' as const), size: fc.oneof(fc.nat(40), fc.nat(5000)) }),
      fc.record({ kind: fc.constant('window' as const), size: fc.integer({ min: 1, max: 6000 }) }),
      fc.record({ kind: fc.constant('initial' as const), size: fc.nat(3000) }),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
        const server = new ConnectionSubject('server');
        server.receive(request(1, FLAG.END_STREAM), rawFrame(WINDOW_UPDATE, 0, 0, uint32(10_000_000)));
        server.receive(rawFrame(SETTINGS, 0, 0, setting(4, 0)));
        const stream = server.stream(1);
        const sent: number[] = [];
        const got: number[] = [];
        const collect = (): void => {
          for (const frame of server.frames()) if (frame.type === DATA) got.push(...frame.payload);
        };
        for (const { kind, size } of steps) {
          if (kind === 'send') {
            const bytes = Uint8Array.from({ length: size }, (_, i) => sent.length + i);
            server.connection.sendData(stream, bytes, 0, size, false);
            sent.push(...bytes);
            // What was given may change afterwards: only copies wait.
            bytes.fill(0xee);
          } else if (kind === 'window') server.receive(rawFrame(WINDOW_UPDATE, 0, 1, uint32(size)));
          else server.receive(rawFrame(SETTINGS, 0, 0, setting(4, size)));
          collect();
          assert.equal(server.connection.queuedLength, sent.length - got.length);
        }
        server.receive(rawFrame(WINDOW_UPDATE, 0, 1, uint32(1_000_000)));
        collect();
        assert.deepEqual(got, sent);
      }),
      { seed: 11, numRuns: 150 },
    );
  });
});
