// docs/limits.md: a caller that closes its side of the TCP connection is taken to be gone.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import { describe, test } from 'node:test';
import { createTestSource, FRAME, startPod } from '@steelyard/testkit';
import { Attacker, openRequest } from '../abuse/attacker.test-bed.ts';
import { cleanUp } from '../end-to-end/proxy.test-bed.ts';
import { startTimedBed } from '../transport/engine.test-bed.ts';

const leaving: readonly (readonly [how: string, leave: (caller: Attacker) => void])[] = [
  // It would read on: HTTP/2 has no such connections.
  ['closes its side', ({ socket }) => void socket.end()],
  // What the process of a caller leaves behind at its end looks just the same at first.
  ['is gone altogether', ({ socket }) => void socket.destroy()],
];

describe('the pods of a caller are told at once that it', () => {
  for (const [how, leave] of leaving) {
    test(how, async () => {
      const open: ServerHttp2Stream[] = [];
      let asked = (): void => undefined;
      const bothAsked = new Promise<void>((resolve) => (asked = resolve));
      const pod = await startPod((stream) => {
        if (open.push(stream.resume()) === 2) asked();
      });
      cleanUp.push(() => pod.close());
      const bed = await startTimedBed(createTestSource([pod]));
      const caller = new Attacker(bed.port);
      // A request that is complete, and one that is not.
      caller.socket.write(openRequest(1));
      caller.socket.write(openRequest(3, 0));
      await bothAsked;
      const cancelled = Promise.all(open.map((stream) => once(stream, 'close')));
      leave(caller);
      await cancelled;
      assert.deepEqual(
        open.map(({ rstCode }) => rstCode),
        [8, 8],
      );
      await caller.end();
      assert.equal(bed.endpoints()[0]?.active, 0);
      assert.equal(bed.held().octets, 0);
      assert.deepEqual(
        caller.frames().filter(({ type }) => type === FRAME.HEADERS),
        [],
      );
    });
  }
});
