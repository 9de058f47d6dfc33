import assert from 'node:assert/strict';
import { connect, createServer, type OutgoingHttpHeaders } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { startInteropBackend } from '../conformance/interop.ts';
import { planCalls } from './call-plan.ts';
import { connectThrough, runCalls, waitingCalls } from './run-calls.ts';

type Change = (headers: object) => OutgoingHttpHeaders;

/** What a bad proxy does to what it forwards. */
interface Tampering {
  readonly request?: Change;
  readonly headers?: Change;
  readonly data?: (chunk: Buffer) => Buffer;
  readonly trailers?: Change;
}

let backend: Awaited<ReturnType<typeof startInteropBackend>>;
const closers: (() => void)[] = [];
before(async () => {
  backend = await startInteropBackend();
});
after(async () => {
  for (const close of closers) close();
  await backend.process.stop();
});

/** A proxy by node:http2 in front of the interop backend. Returns its port. */
async function startBadProxy(tampering: Tampering): Promise<number> {
  const same: Change = (fields) => ({ ...fields });
  const { request = same, headers = same, trailers = same, data = (chunk: Buffer) => chunk } = tampering;
  const upstream = connect(`http://127.0.0.1:${backend.port}`);
  const proxy = createServer();
  proxy.on('stream', (stream, received) => {
    const onward = upstream.request(request(received));
    stream.on('data', (chunk: Buffer) => onward.write(chunk));
    stream.on('end', () => onward.end());
    stream.on('close', () => onward.close(stream.rstCode));
    stream.on('error', () => undefined);
    onward.on('error', () => undefined);
    onward.on('response', (reply, flags) => {
      // END_STREAM: trailers only.
      if ((flags & 1) !== 0) {
        stream.respond(trailers(reply), { endStream: true });
        return;
      }
      stream.respond(headers(reply), { waitForTrailers: true });
      let last: OutgoingHttpHeaders = {};
      onward.on('trailers', (ended) => {
        last = trailers(ended);
      });
      onward.on('data', (chunk: Buffer) => stream.write(data(chunk)));
      onward.on('end', () => stream.end());
      stream.on('wantTrailers', () => stream.sendTrailers(last));
    });
  });
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve);
  });
  closers.push(() => {
    upstream.destroy();
    proxy.close();
  });
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}

const without =
  (key: string): Change =>
  (headers) =>
    Object.fromEntries(Object.entries(headers).filter(([name]) => name !== key));

describe('the interop calls', () => {
  const plans = planCalls(150, 5);

  it('are the same for the same seed, of every kind and outcome', () => {
    assert.deepEqual(planCalls(150, 5), plans);
    assert.notDeepEqual(planCalls(150, 6), plans);
    assert.equal(new Set(planCalls(1000, 5).map(({ kind, outcome }) => `${kind} ${outcome.kind}`)).size, 16);
  });

  it('go well without a proxy, and leave nothing behind', async () => {
    assert.deepEqual(await runCalls(backend.port, plans, () => undefined), []);
    const asking = connectThrough(backend.port);
    assert.equal(await waitingCalls(asking), 0);
    asking.close();
  });

  it('go well through a proxy that changes nothing', async () => {
    assert.deepEqual(await runCalls(await startBadProxy({}), plans, () => undefined), []);
  });

  const flipped = (chunk: Buffer): Buffer => {
    const copy = Buffer.from(chunk);
    // Beyond the prefix of the first message, so that only the content differs.
    if (copy.length > 5) copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
    return copy;
  };
  const cases: readonly (readonly [name: string, tampering: Tampering, says: RegExp])[] = [
    ['a flipped bit in a reply', { data: flipped }, /came as other/],
    ['lost text metadata of a request', { request: without('interop-text') }, /interop-text in the headers is ""/],
    ['lost metadata in the headers', { headers: without('interop-bytes-bin') }, /interop-bytes-bin in the headers/],
    ['lost metadata in the trailers', { trailers: without('interop-text') }, /interop-text in the trailers/],
    ['a lost message of an error', { trailers: without('grpc-message') }, /expected the message/],
    ['a changed status', { trailers: (ended) => ({ ...ended, 'grpc-status': '2' }) }, /expected OK, got UNKNOWN/],
  ];
  for (const [name, tampering, says] of cases) {
    it(`notice ${name}`, async () => {
      const failures = await runCalls(await startBadProxy(tampering), plans.slice(0, 60), () => undefined);
      assert.match(failures.join('\n'), says);
    });
  }
});
