import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import type { SecureServerOptions } from 'node:http2';
import { describe, test } from 'node:test';
import { createServer } from 'node:tls';
import { createTestSource, listenLocal, TestCaller, type TestReply } from '@steelyard/testkit';
import { cleanUp, silent } from '../end-to-end/proxy.test-bed.ts';
import { startProxy } from '../proxy.ts';
import { CALLER, FIRST, STRANGE_CA, STRANGER, TEST_CA } from './tls-identities.test-bed.ts';
import { identityProblem } from './tls-identity.ts';
import { fixed, startSecurePod } from './tls.test-bed.ts';
import type { Source } from './tls-follow.ts';
import type { UpstreamTls } from './tls-settings.ts';

/** A caller of a proxy whose pod is this server. */
async function callerOf(port: number, upstreamTls: Source<UpstreamTls>, workers: number): Promise<TestCaller> {
  const proxy = await startProxy({
    snapshots: createTestSource([{ port }]),
    listen: { host: '127.0.0.1', port: 0 },
    namespace: 'default',
    log: silent,
    workers,
    upstreamTls,
  });
  const caller = new TestCaller(proxy.address.port);
  cleanUp.push(
    () => proxy.close(),
    () => caller.close(),
  );
  return caller;
}

async function callTo(port: number, settings: Partial<UpstreamTls>, workers = 1): Promise<TestReply> {
  const tls = fixed({ ca: TEST_CA, subjectAltNames: [], insecureSkipVerify: false, ...settings });
  return (await callerOf(port, tls, workers)).call('hello');
}

function outcomeOf({ headers, trailers, body }: TestReply): string {
  if (trailers['grpc-status'] === '0') return String(body);
  return decodeURIComponent(`${String(headers['grpc-status'])} ${String(headers['grpc-message'])}`);
}

describe('TLS to pods', () => {
  const mutual = { requestCert: true, rejectUnauthorized: true, ca: TEST_CA };
  const cases: readonly [string, Partial<UpstreamTls>, SecureServerOptions, RegExp][] = [
    ['the authority is enough', {}, {}, /^hello$/],
    ['with a server name', { sni: 'backend.default.svc' }, {}, /^hello$/],
    ['with an address for a name', { sni: '127.0.0.1' }, {}, /^hello$/],
    [
      'with the wrong name',
      { sni: 'other.default.svc' },
      {},
      /^14 .*for DNS:localhost, .*, not for other\.default\.svc/,
    ],
    ['names go before the server name', { sni: 'other.default.svc', subjectAltNames: ['localhost'] }, {}, /^hello$/],
    ['with none of the names', { subjectAltNames: ['a', 'spiffe://b'] }, {}, /^14 .*not for a or spiffe:\/\/b/],
    ['of another authority', { ca: STRANGE_CA }, {}, /^14 .*(certificate|issuer)/],
    ['of no authority known', { ca: undefined }, {}, /^14 .*(certificate|issuer)/],
    ['whatever the certificate', { ca: STRANGE_CA, sni: 'x.test', insecureSkipVerify: true }, {}, /^hello$/],
    ['mutual', { identity: CALLER }, mutual, /^hello$/],
    ['mutual, but we are strangers', { identity: STRANGER }, mutual, /^14 /],
    ['mutual, but we show nothing', {}, mutual, /^14 [^\n]*: TLS: [a-z0-9 ]*certificate required$/],
  ];
  for (const [what, settings, podOptions, expected] of cases) {
    test(what, async () => assert.match(outcomeOf(await callTo(await startSecurePod(podOptions), settings)), expected));
  }

  test('from several processes', async () => {
    assert.equal(outcomeOf(await callTo(await startSecurePod(mutual), { identity: CALLER }, 2)), 'hello');
  });

  test('new connections use what the files hold now', async () => {
    const first: UpstreamTls = { ca: TEST_CA, identity: STRANGER, subjectAltNames: [], insecureSkipVerify: false };
    let change: ((tls: UpstreamTls) => void) | undefined;
    const source = { current: first, subscribe: (listener: typeof change) => ((change = listener), () => undefined) };
    const caller = await callerOf(await startSecurePod(mutual), source, 1);
    assert.match(outcomeOf(await caller.call('hello')), /^14 /);
    change?.({ ...first, identity: CALLER });
    assert.equal(outcomeOf(await caller.call('hello')), 'hello');
  });

  test('a pod without HTTP/2 is UNAVAILABLE', async () => {
    const server = createServer({ ...FIRST }, (socket) => socket.on('error', () => undefined));
    server.on('tlsClientError', () => undefined);
    cleanUp.push(async () => server.close());
    assert.match(outcomeOf(await callTo(await listenLocal(server), {})), /^14 .*does not offer HTTP\/2/);
  });
});

describe('for whom a certificate is', () => {
  const { raw } = new X509Certificate(FIRST.cert);
  const caller = new X509Certificate(CALLER.cert).raw;
  const cases: readonly [Uint8Array, readonly string[], string | undefined, boolean][] = [
    [raw, ['localhost'], undefined, true],
    [raw, ['LOCALHOST'], undefined, true],
    [raw, ['backend.default.svc'], 'ignored', true],
    [raw, ['x', '127.0.0.1'], undefined, true],
    [raw, ['127.0.0.2'], undefined, false],
    [raw, ['first'], undefined, false],
    [raw, [], undefined, true],
    [raw, [], 'localhost', true],
    [raw, [], 'svc', false],
    [caller, ['spiffe://cluster.local/ns/default/sa/caller'], undefined, true],
    [caller, ['spiffe://cluster.local/ns/default/sa/call'], undefined, false],
    [caller, ['spiffe://cluster.local/ns/default/sa/CALLER'], undefined, false],
    [caller, ['caller'], undefined, false],
  ];
  for (const [certificate, subjectAltNames, sni, good] of cases) {
    test(`${subjectAltNames.join(' or ') || '-'}, SNI ${sni ?? '-'}: ${good ? 'yes' : 'no'}`, () => {
      const problem = identityProblem(
        { subjectAltNames, insecureSkipVerify: false, ...(sni !== undefined && { sni }) },
        certificate,
      );
      assert.equal(problem === undefined, good, problem?.message ?? '');
    });
  }
});
