// How long a reflector waits, under a clock that is moved by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApiRequest, type ApiResponse, type ApiTransport, ConnectionFailure } from '../api/api-transport.ts';
import { silentLogger } from './cluster.test-bed.ts';
import { FakeClock } from './fake-clock.test-bed.ts';
import { Reflector } from './reflector.ts';
import { REFLECTOR_TIMES } from './reflector-times.ts';
import { RESOURCE_KINDS } from './resource-kind.ts';
import { ReturnWatch } from './return-watch.ts';

interface Scripted {
  readonly clock: FakeClock;
  readonly reflector: Reflector;
  /** When each request was made. */
  readonly at: number[];
  readonly paths: string[];
}

function run(answer: (request: ApiRequest, index: number) => ApiResponse, random: number): Scripted {
  const clock = new FakeClock();
  const at: number[] = [];
  const paths: string[] = [];
  const transport: ApiTransport = {
    async request(request) {
      // Looks whether the API server is there are not what is counted here.
      if (request.path === '/readyz') return { status: 200, body: body('ok') };
      at.push(clock.now());
      paths.push(request.path);
      await Promise.resolve();
      return answer(request, at.length - 1);
    },
    close: () => undefined,
  };
  const reflector = new Reflector({
    resource: RESOURCE_KINDS.Service,
    transport,
    returns: new ReturnWatch({ transport, clock, random: () => random, everyMs: REFLECTOR_TIMES.returnMs }),
    clock,
    random: () => random,
    times: REFLECTOR_TIMES,
    log: silentLogger(),
    onChange: () => undefined,
    onPhase: () => undefined,
  });
  void reflector.run();
  return { clock, reflector, at, paths };
}

// Nothing to wait for: all is there at once.
// oxlint-disable-next-line typescript/require-await
async function* body(...lines: readonly unknown[]): AsyncGenerator<Buffer> {
  for (const line of lines) yield Buffer.from(`${JSON.stringify(line)}\n`);
}

/** A stream that says these, then nothing. */
async function* quiet(signal: AbortSignal, ...lines: readonly unknown[]): AsyncGenerator<Buffer> {
  yield* body(...lines);
  await new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new ConnectionFailure('aborted')), { once: true });
  });
}

const END = {
  type: 'BOOKMARK',
  object: { metadata: { resourceVersion: '7', annotations: { 'k8s.io/initial-events-end': 'true' } } },
};

const refusals: readonly [string, ApiResponse['status'], string | undefined, number, readonly number[]][] = [
  ['503 without jitter', 503, undefined, 0, [0, 0, 800, 800, 2400, 2400, 5600, 5600]],
  ['503 with all of the jitter', 503, undefined, 1, [0, 0, 1600, 1600, 4800, 4800]],
  ['429 waits, and asks for the same again', 429, undefined, 0, [0, 800, 2400, 5600]],
  ['429 that says how long', 429, '2', 0, [0, 2000, 4000, 6000]],
  ['403 of what nothing works without', 403, undefined, 0, [0, 800, 2400, 5600]],
];
for (const [name, status, retryAfter, random, expected] of refusals) {
  test(`waits after ${name}`, async () => {
    const { clock, reflector, at } = run(
      () => ({ status, ...(retryAfter !== undefined && { retryAfter }), body: body({ message: 'no' }) }),
      random,
    );
    await clock.pass(6000);
    reflector.stop();
    assert.deepEqual(at, expected);
  });
}

test('a lost connection is tried again within 1.5 s, however long it is lost', async () => {
  const { clock, reflector, at } = run(() => {
    throw new ConnectionFailure('refused');
  }, 1);
  await clock.pass(60_000);
  reflector.stop();
  const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
  assert.deepEqual(gaps.slice(0, 5), [300, 600, 1200, 1500, 1500]);
  assert.equal(Math.max(...gaps), 1500);
});

test('a stream without a word for 90 s is given up, and goes on from where it was', async () => {
  const { clock, reflector, at, paths } = run(
    ({ signal }, index) => ({ status: 200, body: index === 0 ? quiet(signal, END) : quiet(signal) }),
    0,
  );
  await clock.pass(89_000);
  assert.equal(at.length, 1);
  assert.equal(reflector.status().phase, 'watching');
  await clock.pass(2000);
  assert.equal(at.length, 2);
  assert.match(paths[1] ?? '', /resourceVersion=7/);
  assert.doesNotMatch(paths[1] ?? '', /sendInitialEvents/);
  reflector.stop();
});

test('a watch asks to be ended after 5 to 10 minutes', async () => {
  for (const [random, seconds] of [
    [0, 300],
    [1, 600],
  ] as const) {
    const { clock, reflector, paths } = run(({ signal }) => ({ status: 200, body: quiet(signal, END) }), random);
    await clock.pass(1);
    reflector.stop();
    assert.match(paths[0] ?? '', new RegExp(`timeoutSeconds=${seconds}(&|$)`));
  }
});
