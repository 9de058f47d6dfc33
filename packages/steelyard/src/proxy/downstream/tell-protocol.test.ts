import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { suite, test, type TestContext } from 'node:test';
import { PREFACE } from '@steelyard/testkit';
import { tellProtocol } from './tell-protocol.ts';

async function openPair(t: TestContext): Promise<{ readonly client: Socket; readonly server: Socket }> {
  const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  const client = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
  client.setNoDelay(true);
  const [server]: Socket[] = await once(listener, 'connection');
  listener.close();
  assert.ok(server);
  client.on('error', () => undefined);
  t.after(() => {
    client.destroy();
    server.destroy();
  });
  return { client, server };
}

/** What was told, and all that was read afterwards up to `length` octets. */
function told(server: Socket, length: number, silenceMs?: number): Promise<readonly [string, string]> {
  return new Promise((resolve) => {
    const read = (what: string) => (): void => {
      let text = '';
      if (length === 0) resolve([what, '']);
      server.on('data', (chunk) => {
        text += chunk.toString('latin1');
        if (text.length >= length) resolve([what, text]);
      });
    };
    tellProtocol(server, read('http2'), read('other'), silenceMs);
  });
}

suite('what a connection speaks', () => {
  const cases: readonly (readonly [name: string, parts: readonly string[], expected: string])[] = [
    ['HTTP/2', [Buffer.from(PREFACE).toString('latin1')], 'http2'],
    ['HTTP/2, octet by octet', Array.from(PREFACE, (octet) => String.fromCharCode(octet)), 'http2'],
    ['TLS', ['\u0016\u0003\u0001\u0002'], 'other'],
    ['HTTP/1.1', ['POST / HTTP/1.1\r\n'], 'other'],
    ['a method that begins alike', ['PR', 'OPFIND /'], 'other'],
  ];
  for (const [name, parts, expected] of cases) {
    test(`${name}: ${expected}, and nothing is lost`, async (t) => {
      const { client, server } = await openPair(t);
      const whole = parts.join('');
      const answer = told(server, whole.length);
      for (const part of parts) await new Promise((resolve) => client.write(part, 'latin1', resolve));
      assert.deepEqual(await answer, [expected, whole]);
    });
  }

  test('silence is not HTTP/2: its server may be the one to begin', async (t) => {
    const { server } = await openPair(t);
    assert.deepEqual(await told(server, 0, 1), ['other', '']);
  });

  test('a caller that leaves without a word', async (t) => {
    const { client, server } = await openPair(t);
    let asked = 0;
    tellProtocol(
      server,
      () => asked++,
      () => asked++,
      60_000,
    );
    client.end();
    await once(server, 'close');
    assert.equal(asked, 0);
  });
});
