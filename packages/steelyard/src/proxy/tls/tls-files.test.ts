import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import { connect } from 'node:tls';
import { logThat } from '../../log.test-bed.ts';
import type { Logger } from '../../log.ts';
import { silent } from '../end-to-end/proxy.test-bed.ts';
import { followServerTls, followUpstreamTls, TlsFileError } from './tls-files.ts';
import type { FollowedFiles } from './tls-follow.ts';
import type { ServerTls } from './tls-settings.ts';
import { CALLER, FIRST, SECOND, TEST_CA, type TestIdentity } from './tls-identities.test-bed.ts';
import { callOn, makeFolder, openSession, startTlsProxy, type TestFolder, tryCall } from './tls.test-bed.ts';

interface Bed {
  readonly files: FollowedFiles<ServerTls>;
  readonly folder: TestFolder;
  /** Both files as a whole, one after the other, as renaming does it. */
  readonly put: (identity: TestIdentity) => Promise<void>;
}

async function openBed(t: TestContext, log: Logger = silent): Promise<Bed> {
  const folder = await makeFolder(t);
  const put = async ({ cert, key }: TestIdentity): Promise<void> => {
    await folder.put('tls.crt', cert);
    await folder.put('tls.key', key);
  };
  await put(FIRST);
  await folder.put('ca.crt', TEST_CA);
  const identities = [{ cert: folder.at('tls.crt'), key: folder.at('tls.key') }];
  const files = await followServerTls({ identities, clientCa: folder.at('ca.crt'), clientAuth: 'optional' }, log);
  t.after(() => files.close());
  return { files, folder, put };
}

describe('certificates in files', () => {
  for (const workers of [1, 2]) {
    test(`that change: new connections get the new ones, the old go on (${workers} processes)`, async (t) => {
      const { files, put } = await openBed(t);
      const proxy = await startTlsProxy(files, { workers });
      const before = openSession(proxy, { servername: 'backend.default.svc' });
      assert.equal((await callOn(before)).trailers['grpc-status'], '0');
      const changed = new Promise((resolve) => files.subscribe(resolve));
      await put(SECOND);
      await changed;
      // A worker hears of it before it gets a connection that is accepted later: they take the same way.
      assert.equal(await tryCall(proxy, { servername: 'api.second.test' }), '0');
      assert.equal(await tryCall(proxy, { servername: 'backend.default.svc' }), 'ERR_TLS_CERT_ALTNAME_INVALID');
      const { port } = proxy.address;
      const bare = connect({
        port,
        host: '127.0.0.1',
        ca: TEST_CA,
        ALPNProtocols: ['h2'],
        checkServerIdentity: () => undefined,
      });
      await once(bare, 'secureConnect');
      const seen = bare.getPeerCertificate().subject.CN;
      bare.destroy();
      assert.equal(seen, 'second', 'without a server name, too');
      assert.equal((await callOn(before)).trailers['grpc-status'], '0');
    });
  }

  test('that are broken change nothing, and say so; mended they are taken', async (t) => {
    let said: ((fields: unknown) => void) | undefined;
    const error = (_: string, fields?: Readonly<Record<string, unknown>>): void => said?.(fields?.['error']);
    const log = logThat({ error });
    const { files, folder, put } = await openBed(t, log);
    const { current } = files;
    const complaint = new Promise((resolve) => (said = resolve));
    await folder.put('tls.key', CALLER.key);
    assert.match(String(await complaint), /tls\.crt and .*tls\.key cannot be used: .*key values mismatch/);
    assert.equal(files.current, current);
    const mended = new Promise((resolve) => files.subscribe(resolve));
    await put(SECOND);
    await mended;
    assert.equal(files.current.identities[0]?.cert, SECOND.cert);
    assert.notDeepEqual(files.current.ticketKeys, current.ticketKeys, 'sessions of before do not resume');
  });

  test('for connections to pods: an authority, a name, and what we show', async (t) => {
    const {
      folder: { at },
      put,
    } = await openBed(t);
    const identity = { cert: at('tls.crt'), key: at('tls.key') };
    const files = await followUpstreamTls({ ca: at('ca.crt'), identity, name: 'backend' }, silent);
    t.after(() => files.close());
    const fixed = { ca: TEST_CA, sni: 'backend', subjectAltNames: ['backend'], insecureSkipVerify: false };
    assert.deepEqual(files.current, { ...fixed, identity: FIRST });
    const changed = new Promise((resolve) => files.subscribe(resolve));
    await put(CALLER);
    assert.deepEqual(await changed, { ...fixed, identity: CALLER });
    const wrong = followUpstreamTls({ ca: at('tls.key'), name: 'backend' }, silent);
    await assert.rejects(wrong, /tls\.key holds no certificate in PEM/);
  });

  const bad: readonly [string, Readonly<Record<string, string>>, RegExp][] = [
    ['missing', {}, /tls\.crt cannot be read: no such file/],
    ['empty', { 'tls.crt': '', 'tls.key': FIRST.key }, /tls\.crt holds no certificate in PEM/],
    ['no certificate', { 'tls.crt': FIRST.key, 'tls.key': FIRST.key }, /tls\.crt holds no certificate in PEM/],
    ['no key', { 'tls.crt': FIRST.cert, 'tls.key': FIRST.cert }, /tls\.key holds no private key in PEM/],
    ['cut off', { 'tls.crt': FIRST.cert.replace('\nM', '\n'), 'tls.key': FIRST.key }, /tls\.crt cannot be used: /],
    ['not a pair', { 'tls.crt': FIRST.cert, 'tls.key': SECOND.key }, /cannot be used: .*mismatch/],
  ];
  for (const [what, contents, message] of bad) {
    test(`${what}: refused, with the file's name`, async (t) => {
      const { at, put } = await makeFolder(t);
      for (const [name, text] of Object.entries(contents)) await put(name, text);
      const identities = [{ cert: at('tls.crt'), key: at('tls.key') }];
      await assert.rejects(followServerTls({ identities, clientAuth: 'none' }, silent), (error) => {
        assert.ok(error instanceof TlsFileError);
        assert.match(error.message, message);
        return true;
      });
    });
  }
});
