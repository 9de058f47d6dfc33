import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { SecureServerOptions } from 'node:http2';
import { describe, test, type TestContext } from 'node:test';
import { cleanUp } from '../end-to-end/proxy.test-bed.ts';
import { compileBackend, messageOf, statusOf } from '../end-to-end/resilience/resilience.test-bed.ts';
import { listening, startTimedBed, type TimedBed } from '../transport/engine.test-bed.ts';
import { CALLER, STRANGE_CA, STRANGER, TEST_CA } from './tls-identities.test-bed.ts';
import { makeFolder, startSecurePod, type TestFolder } from './tls.test-bed.ts';

/** With the authorities and the identities of callers in it. */
async function folderOf(t: TestContext): Promise<TestFolder> {
  const folder = await makeFolder(t);
  await folder.put('ca.crt', TEST_CA);
  await folder.put('strange.crt', STRANGE_CA);
  for (const [name, identity] of Object.entries({ caller: CALLER, stranger: STRANGER })) {
    await folder.put(`${name}.crt`, identity.cert);
    await folder.put(`${name}.key`, identity.key);
  }
  return folder;
}

async function outcomeOf(bed: TimedBed): Promise<string> {
  const reply = await bed.caller.call('hello');
  return statusOf(reply) === 'OK' ? String(reply.body) : `${statusOf(reply)} ${messageOf(reply)}`;
}

type Tls = (at: (name: string) => string) => object;

describe('tls of a DestinationRule', () => {
  const mutual = { requestCert: true, rejectUnauthorized: true, ca: TEST_CA };
  const names = { subjectAltNames: ['localhost'] };
  const identity = (at: (name: string) => string, who: string): object => ({
    ...names,
    mode: 'MUTUAL',
    caCertificates: at('ca.crt'),
    clientCertificate: at(`${who}.crt`),
    privateKey: at(`${who}.key`),
  });
  const cases: readonly (readonly [string, Tls, SecureServerOptions, RegExp])[] = [
    ['SIMPLE', (at) => ({ ...names, mode: 'SIMPLE', caCertificates: at('ca.crt') }), {}, /^hello$/],
    [
      'SIMPLE, for the name of the Service',
      (at) => ({ mode: 'SIMPLE', caCertificates: at('ca.crt') }),
      {},
      /^UNAVAILABLE .*not for backend\.default\.svc\.cluster\.local/,
    ],
    [
      'SIMPLE, of another authority',
      (at) => ({ ...names, mode: 'SIMPLE', caCertificates: at('strange.crt') }),
      {},
      /^UNAVAILABLE .*(certificate|issuer)/,
    ],
    ['SIMPLE, whoever it is', () => ({ mode: 'SIMPLE', insecureSkipVerify: true }), {}, /^hello$/],
    ['MUTUAL', (at) => identity(at, 'caller'), mutual, /^hello$/],
    ['MUTUAL, but we are strangers', (at) => identity(at, 'stranger'), mutual, /^UNAVAILABLE /],
    [
      'a file that is not there',
      (at) => ({ mode: 'SIMPLE', caCertificates: at('none.crt') }),
      {},
      /^UNAVAILABLE .*cannot be secured: .*none\.crt cannot be read: no such file/,
    ],
    [
      'a key for another certificate',
      (at) => ({ ...identity(at, 'caller'), privateKey: at('stranger.key') }),
      {},
      /^UNAVAILABLE .*cannot be secured: .*caller\.crt and .*stranger\.key cannot be used/,
    ],
    [
      'a revocation list that is none',
      (at) => ({ mode: 'SIMPLE', caCertificates: at('ca.crt'), caCrl: at('ca.crt') }),
      {},
      /cannot be secured: .*ca\.crt holds no revocation list/,
    ],
    [
      'ISTIO_MUTUAL',
      () => ({ mode: 'ISTIO_MUTUAL' }),
      {},
      /^UNAVAILABLE .*cannot be secured: .*needs the certificates/,
    ],
    [
      'credentialName',
      () => ({ mode: 'SIMPLE', credentialName: 'backend-ca' }),
      {},
      /^UNAVAILABLE .*cannot be secured: .*"backend-ca" is a Secret/,
    ],
  ];
  for (const [name, tls, options, expected] of cases) {
    test(name, async (t) => {
      const { at } = await folderOf(t);
      const current = compileBackend([await startSecurePod(options)], { trafficPolicy: { tls: tls(at) } });
      assert.match(await outcomeOf(await startTimedBed({ current })), expected);
    });
  }

  test('a pod that does not shake hands: connectTimeout ends it', async () => {
    const { server, port } = await listening((socket) => {
      socket
        .on('error', () => undefined)
        .on('end', () => socket.end())
        .resume();
    });
    cleanUp.push(() => once(server.close(), 'close'));
    const trafficPolicy = {
      tls: { mode: 'SIMPLE', insecureSkipVerify: true },
      connectionPool: { tcp: { connectTimeout: '50ms' } },
    };
    const bed = await startTimedBed({ current: compileBackend([port], { trafficPolicy }) });
    assert.match(await outcomeOf(bed), /^UNAVAILABLE .*no connection within 0\.05 s$/);
    assert.deepEqual([bed.attempts(), bed.failures()], [1, 1]);
  });

  test('files that come later, or change, are for the next connection', async (t) => {
    const { at, put } = await folderOf(t);
    const tls = { ...names, mode: 'SIMPLE', caCertificates: at('late.crt') };
    const current = compileBackend([await startSecurePod()], { trafficPolicy: { tls } });
    const bed = await startTimedBed({ current });
    assert.match(await outcomeOf(bed), /late\.crt cannot be read/);
    await put('late.crt', TEST_CA);
    let outcome = '';
    while (outcome !== 'hello') {
      outcome = await outcomeOf(bed);
      await new Promise((resolve) => setImmediate(resolve));
    }
  });

  test('clusters with different tls do not share connections', async (t) => {
    const { at } = await folderOf(t);
    const port = await startSecurePod();
    const current = compileBackend([port], {
      trafficPolicy: { tls: { ...names, mode: 'SIMPLE', caCertificates: at('ca.crt') } },
      subsets: [{ name: 'plain', labels: { app: 'backend' }, trafficPolicy: { tls: { mode: 'DISABLE' } } }],
      route: [
        { destination: { host: 'backend' }, weight: 50 },
        { destination: { host: 'backend', subset: 'plain' }, weight: 50 },
      ],
    });
    let draw = 0;
    const bed = await startTimedBed({ current }, {}, () => (draw++ % 2 === 0 ? 0.1 : 0.9));
    const outcomes = new Set<string>();
    for (let call = 0; call < 8; call++) outcomes.add((await outcomeOf(bed)).slice(0, 11));
    assert.deepEqual([...outcomes].toSorted(), ['UNAVAILABLE', 'hello']);
  });
});
