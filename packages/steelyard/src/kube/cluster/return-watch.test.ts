import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApiTransport, ConnectionFailure } from '../api/api-transport.ts';
import { FakeClock } from './fake-clock.test-bed.ts';
import { ReturnWatch } from './return-watch.ts';

interface Bed {
  readonly clock: FakeClock;
  readonly watch: ReturnWatch;
  /** When somebody looked. */
  readonly looks: number[];
  /** The status that is answered; `undefined`: nobody answers. */
  status: number | undefined;
}

// Nothing to wait for: all is there at once.
// oxlint-disable-next-line typescript/require-await
async function* nothing(): AsyncGenerator<Buffer> {
  yield Buffer.from('ok');
}

function start(status: number | undefined): Bed {
  const clock = new FakeClock();
  const looks: number[] = [];
  const transport: ApiTransport = {
    async request({ path }) {
      assert.equal(path, '/readyz');
      looks.push(clock.now());
      await Promise.resolve();
      if (bed.status === undefined) throw new ConnectionFailure('refused');
      return { status: bed.status, body: nothing() };
    },
    close: () => undefined,
  };
  const watch = new ReturnWatch({ transport, clock, random: () => 1, everyMs: 1000 });
  const bed: Bed = { clock, watch, looks, status };
  return bed;
}

/** When each of those that wait is through. */
function waitFor({ watch, clock }: Bed, delays: readonly number[]): number[] {
  const through: number[] = [];
  const signal = new AbortController().signal;
  for (const delay of delays) void watch.wait(delay, signal).then(() => through.push(clock.now()));
  return through;
}

for (const away of [undefined, 503, 500, 429]) {
  test(`an API server that answers with ${away ?? 'nothing'} and then is ready wakes all within a second`, async () => {
    const bed = start(away);
    const through = waitFor(bed, [30_000, 25_000]);
    await bed.clock.pass(10_500);
    assert.deepEqual(through, []);
    assert.equal(bed.looks.length, 11, 'one look a second, however many wait');
    bed.status = 200;
    await bed.clock.pass(1000);
    assert.deepEqual(through, [11_000, 11_000]);
    await bed.clock.pass(60_000);
    assert.equal(bed.looks.length, 12, 'nobody waits, nobody looks');
  });
}

test('who is refused by an API server that is ready waits as long as it should', async () => {
  for (const status of [200, 403, 401]) {
    const bed = start(status);
    const through = waitFor(bed, [5000]);
    await bed.clock.pass(4900);
    assert.deepEqual(through, []);
    await bed.clock.pass(200);
    assert.deepEqual(through, [5000]);
  }
});

test('a short wait is not worth a look', async () => {
  const bed = start(503);
  const through = waitFor(bed, [800]);
  await bed.clock.pass(2000);
  assert.deepEqual([through, bed.looks], [[800], []]);
});

test('after the end nobody looks any more', async () => {
  const bed = start(503);
  waitFor(bed, [30_000]);
  await bed.clock.pass(100);
  bed.watch.stop();
  await bed.clock.pass(60_000);
  assert.equal(bed.looks.length, 1);
});
