import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { describe, test } from 'node:test';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { credentials, Client } from '@grpc/grpc-js';
import { recordingLog } from '../../log.test-bed.ts';
import { cleanUp } from '../end-to-end/proxy.test-bed.ts';
import type { Proxy } from '../proxy.ts';
import { CALLER, FIRST, SECOND, STRANGER, TEST_CA } from './tls-identities.test-bed.ts';
import { callOn, fixed, openSession, serverTls, startTlsProxy, tryCall } from './tls.test-bed.ts';
import type { ClientAuth } from './tls-settings.ts';

/** How a bare TLS handshake ends: with the connection, or an error's code. */
async function shakeHands(proxy: Proxy, options: ConnectionOptions): Promise<TLSSocket | string> {
  const { port } = proxy.address;
  const socket = connect({ host: '127.0.0.1', port, ca: TEST_CA, servername: 'localhost', ...options });
  cleanUp.push(async () => socket.destroy());
  let problem = 'closed';
  socket.on('error', (error: NodeJS.ErrnoException) => (problem = error.code ?? error.message));
  const closed = once(socket, 'close').catch(() => undefined);
  await Promise.race([once(socket, 'secureConnect').catch(() => undefined), closed]);
  if (socket.destroyed) return problem;
  // What the proxy does not want it closes at once; what it wants begins with its SETTINGS.
  await Promise.race([once(socket, 'data').catch(() => undefined), closed]);
  return socket.destroyed || socket.readableEnded ? problem : socket;
}

async function nameSeenBy(proxy: Proxy, options: ConnectionOptions): Promise<string> {
  const socket = await shakeHands(proxy, { ALPNProtocols: ['h2'], checkServerIdentity: () => undefined, ...options });
  return typeof socket === 'string' ? socket : String(socket.getPeerCertificate().subject.CN);
}

describe("TLS on callers' connections", () => {
  test('calls go through, from node:http2 and grpc-js', async () => {
    const proxy = await startTlsProxy(fixed(serverTls()));
    assert.equal(await tryCall(proxy), '0');
    const client = new Client(`localhost:${proxy.address.port}`, credentials.createSsl(Buffer.from(TEST_CA)), {
      'grpc.default_authority': 'backend.default.svc:8000',
      'grpc.ssl_target_name_override': 'localhost',
    });
    cleanUp.push(async () => client.close());
    const same = (bytes: Buffer): Buffer => bytes;
    const reply = await new Promise<Buffer | undefined>((resolve, reject) => {
      client.makeUnaryRequest('/echo.Echo/Say', same, same, Buffer.from('over TLS'), (error, value) => {
        if (error === null) resolve(value);
        else reject(error);
      });
    });
    assert.equal(String(reply), 'over TLS');
    assert.equal((await proxy.report()).tlsHandshakeFailures, 0);
  });

  const offers: readonly [string, ConnectionOptions, boolean][] = [
    ['TLS 1.3, h2', { ALPNProtocols: ['h2'] }, true],
    ['TLS 1.2, h2', { ALPNProtocols: ['h2'], maxVersion: 'TLSv1.2' }, true],
    ['h2 among others', { ALPNProtocols: ['http/1.1', 'h2'] }, true],
    ['HTTP/1.1 only', { ALPNProtocols: ['http/1.1'] }, false],
    ['no ALPN', {}, false],
    [
      'a suite that RFC 9113 forbids',
      { ALPNProtocols: ['h2'], maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' },
      false,
    ],
    [
      'TLS 1.1',
      { ALPNProtocols: ['h2'], minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
      false,
    ],
  ];
  for (const [what, options, taken] of offers) {
    test(`a caller that offers ${what} is ${taken ? 'served' : 'refused'}`, async () => {
      const proxy = await startTlsProxy(fixed(serverTls()));
      const socket = await shakeHands(proxy, options);
      assert.equal(typeof socket !== 'string', taken);
      assert.equal((await proxy.report()).tlsHandshakeFailures, taken ? 0 : 1);
    });
  }

  test('plain text is refused, and counted', async () => {
    const proxy = await startTlsProxy(fixed(serverTls()));
    const socket = connectPlain(proxy.address.port, '127.0.0.1', () =>
      socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    );
    socket.on('error', () => undefined).resume();
    await once(socket, 'close');
    assert.equal((await proxy.report()).tlsHandshakeFailures, 1);
  });

  const shown = { nothing: {}, 'a good certificate': CALLER, "a stranger's certificate": STRANGER };
  const verdicts: Readonly<Record<ClientAuth, readonly boolean[]>> = {
    none: [true, true, true],
    optional: [true, true, false],
    required: [false, true, false],
  };
  for (const clientAuth of ['none', 'optional', 'required'] as const) {
    for (const [i, [what, identity]] of Object.entries(shown).entries()) {
      const taken = verdicts[clientAuth][i] === true;
      test(`certificates ${clientAuth}: a caller that shows ${what} is ${taken ? 'served' : 'refused'}`, async () => {
        const proxy = await startTlsProxy(fixed(serverTls({ clientAuth, clientCa: TEST_CA })));
        const outcome = await tryCall(proxy, identity);
        assert.equal(outcome === '0', taken, outcome);
      });
    }
  }

  const reasons: readonly (readonly [ClientAuth, string, object, RegExp])[] = [
    [
      'optional',
      "a stranger's certificate",
      STRANGER,
      /^a TLS handshake failed: the caller's certificate is not good: [A-Z_]+$/,
    ],
    [
      'required',
      "a stranger's certificate",
      STRANGER,
      /^a TLS handshake failed: the caller's certificate is not good: [A-Z_]+$/,
    ],
    ['required', 'nothing', {}, /^a TLS handshake failed: TLS: peer did not return a certificate$/],
  ];
  for (const [clientAuth, what, identity, reason] of reasons) {
    test(`certificates ${clientAuth}: the log says what is wrong with ${what}`, async () => {
      const lines: string[] = [];
      const tls = fixed(serverTls({ clientAuth, clientCa: TEST_CA }));
      const proxy = await startTlsProxy(tls, { log: recordingLog(lines) });
      assert.notEqual(await tryCall(proxy, identity), '0');
      assert.equal((await proxy.report()).tlsHandshakeFailures, 1);
      assert.match(lines.join('|'), reason);
    });
  }

  test('SNI picks the certificate; without one that fits it is the first', async () => {
    const proxy = await startTlsProxy(fixed(serverTls({ identities: [FIRST, SECOND] })));
    assert.equal(await nameSeenBy(proxy, { servername: 'api.second.test' }), 'second');
    assert.equal(await nameSeenBy(proxy, { servername: 'backend.default.svc' }), 'first');
    assert.equal(await nameSeenBy(proxy, { servername: 'nobody.test' }), 'first');
    assert.equal(await nameSeenBy(proxy, { servername: '' }), 'first');
  });

  test('client certificates are asked for whatever the SNI', async () => {
    const tls = serverTls({ identities: [FIRST, SECOND], clientAuth: 'required', clientCa: TEST_CA });
    const proxy = await startTlsProxy(fixed(tls));
    const options = { servername: 'api.second.test', checkServerIdentity: () => undefined };
    assert.equal(await tryCall(proxy, { ...options, ...CALLER }), '0');
    assert.notEqual(await tryCall(proxy, { ...options, ...STRANGER }), '0');
    assert.notEqual(await tryCall(proxy, options), '0');
  });

  test('a handshake that is not finished is ended, and disturbs nobody', async () => {
    const proxy = await startTlsProxy(fixed(serverTls()), { connections: { limits: { handshakeTimeoutMs: 200 } } });
    const session = openSession(proxy);
    assert.equal((await callOn(session)).trailers['grpc-status'], '0');
    const { port } = proxy.address;
    // One says nothing at all, the other the beginning of a ClientHello (RFC 8446 §5.1).
    const slow = [Buffer.alloc(0), Buffer.of(0x16, 3, 1, 2, 0, 1)].map((octets) => {
      const socket = connectPlain(port, '127.0.0.1');
      socket.on('error', () => undefined).resume();
      if (octets.length > 0) socket.write(octets);
      return once(socket, 'close');
    });
    await Promise.all(slow);
    assert.equal((await proxy.report()).tlsHandshakeFailures, 2);
    assert.equal((await callOn(session)).trailers['grpc-status'], '0', 'a connection that is there goes on');
  });

  test('the end: calls finish, and a handshake that goes nowhere holds nothing up', async () => {
    const proxy = await startTlsProxy(fixed(serverTls()));
    const session = openSession(proxy);
    assert.equal((await callOn(session)).trailers['grpc-status'], '0');
    const silentPeer = connectPlain(proxy.address.port, '127.0.0.1');
    silentPeer.on('error', () => undefined).resume();
    await once(silentPeer, 'connect');
    const gone = once(silentPeer, 'close');
    await proxy.close();
    await gone;
  });

  test('over several processes, sessions resume wherever the connection lands', async () => {
    const proxy = await startTlsProxy(fixed(serverTls()), { workers: 2 });
    const socket = connect({
      host: '127.0.0.1',
      port: proxy.address.port,
      ca: TEST_CA,
      servername: 'localhost',
      ALPNProtocols: ['h2'],
      maxVersion: 'TLSv1.2',
    });
    cleanUp.push(async () => socket.destroy());
    await once(socket, 'secureConnect');
    const session = socket.getSession();
    assert.ok(session !== undefined);
    const other = await shakeHands(proxy, { ALPNProtocols: ['h2'], maxVersion: 'TLSv1.2', session });
    assert.ok(typeof other !== 'string');
    assert.equal(other.isSessionReused(), true);
    assert.deepEqual(
      proxy.workers?.workers.map(({ connections }) => connections),
      [1, 1],
    );
    assert.equal(await tryCall(proxy), '0');
  });
});
