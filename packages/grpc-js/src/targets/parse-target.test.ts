import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { parseHeadlessTarget } from '../headless/parse-headless-target.ts';
import { podSearchRules, searchNames } from '../headless/search-names.ts';
import { parseDuration } from '../parse-duration.ts';
import { parseTarget } from './parse-target.ts';
import { readTargetPolicy } from './target-policy.ts';
import { TargetError } from './target-error.ts';

const environment = {
  BACKEND_ADDR: 'backendh.default:8000',
  WHOLE: 'headless:///a.b:1?lb=random',
  WHERE: 'headless://127.0.0.1:53/a.b:1',
  NAME: 'a',
  EMPTY: ' ',
};

function parse(path: string, authority = ''): ReturnType<typeof parseHeadlessTarget> {
  const target = parseTarget({ scheme: 'headless', authority, path }, environment);
  readTargetPolicy(target.text, target.parameters);
  const name = parseHeadlessTarget(target);
  target.parameters.finish();
  return name;
}

suite('headless targets', () => {
  const accepted: readonly { path: string; authority?: string; expected: Partial<ReturnType<typeof parse>> }[] = [
    { path: 'backendh.default:8000', expected: { host: 'backendh.default', port: 8000, family: 'auto' } },
    { path: '$BACKEND_ADDR', expected: { host: 'backendh.default', port: 8000 } },
    { path: '${NAME}.default:80', expected: { host: 'a.default', port: 80 } },
    { path: '$WHOLE', expected: { host: 'a.b', port: 1 } },
    { path: '$WHERE', expected: { host: 'a.b', port: 1, server: '127.0.0.1:53' } },
    { path: '$WHERE?family=6', expected: { host: 'a.b', family: '6', server: '127.0.0.1:53' } },
    { path: 'a.b.:80', expected: { host: 'a.b.', port: 80 } },
    { path: '[::1]:80', expected: { host: '::1', port: 80 } },
    { path: 'a:80', authority: '127.0.0.1:5353', expected: { server: '127.0.0.1:5353' } },
    { path: 'a:80', authority: '[::1]:53', expected: { server: '[::1]:53' } },
    { path: 'a:grpc?srv', expected: { port: 0, service: '_grpc._tcp' } },
    { path: '_grpc._tcp.a?srv', expected: { host: '_grpc._tcp.a', service: '' } },
    { path: 'a:80?min_ttl=200ms&max_ttl=2s', expected: { minTtlMs: 200, maxTtlMs: 2000 } },
    { path: 'a:80?min_ttl=1m', expected: { minTtlMs: 60_000, maxTtlMs: 60_000 } },
    { path: 'a:80?search=x.y,z', expected: { search: ['x.y', 'z'] } },
    { path: 'a:80?lb=peak_ewma&subset=20&connections=2&zone=z1&slow_start=30s&outlier', expected: { port: 80 } },
  ];
  for (const { path, authority, expected } of accepted) {
    test(`${authority ?? ''}/${path}`, () => {
      const parsed: Record<string, unknown> = { ...parse(path, authority) };
      assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, parsed[key]])), expected);
    });
  }

  const refused: readonly { path: string; authority?: string; message: RegExp }[] = [
    { path: 'a', message: /there is no port; a DNS address has none, so write NAME:PORT/ },
    { path: 'a:0', message: /the port is 0/ },
    { path: 'a:70000', message: /the port is 70000/ },
    { path: 'a:grpc', message: /the port is grpc/ },
    { path: ':80', message: /there is no name/ },
    { path: '$NOWHERE', message: /environment variable NOWHERE is not set; set it to NAME:PORT/ },
    { path: '$EMPTY', message: /environment variable EMPTY is not set/ },
    { path: 'a b:80', message: /a b is not a DNS name/ },
    { path: `${'x'.repeat(64)}:80`, message: /is not a DNS name/ },
    { path: 'a:80', authority: 'dns.example', message: /the DNS server is dns\.example; it must be an IP address/ },
    { path: 'a:80?lb=fastest', message: /there is no policy fastest; there are random, round_robin, least_request/ },
    { path: 'a:80?choices=1', message: /choiceCount is 1; it must be a whole number of at least 2/ },
    { path: 'a:80?lb=ring_hash', message: /header is not there/ },
    { path: 'a:80?lb=ring_hash&header=x&slow_start=1s', message: /slowStart is set/ },
    { path: 'a:80?subset=many', message: /the parameter subset is many; it must be a whole number/ },
    { path: 'a:80?ttl=5s', message: /there is no parameter ttl; there are .*max_ttl, min_ttl/ },
    { path: 'a:80?srv=maybe', message: /the parameter srv is maybe; it must be true or false/ },
    { path: 'a:80?family=5', message: /must be one of auto, 4, 6, both/ },
    { path: 'a:80?lb=random&lb=random', message: /the parameter lb is there twice/ },
    { path: 'a:80?min_ttl=1ms', message: /min_ttl is 1 ms; it must be at least 50 ms/ },
    { path: 'a:80?min_ttl=5s&max_ttl=1s', message: /must not be below min_ttl/ },
    { path: 'a:80?max_ttl=soon', message: /must be a duration such as 30s/ },
  ];
  for (const { path, authority, message } of refused) {
    test(`refuses ${authority ?? ''}/${path.slice(0, 40)}`, () => {
      assert.throws(
        () => parse(path, authority),
        (error: unknown) => {
          assert.ok(error instanceof TargetError);
          assert.match(error.message, message);
          assert.ok(error.message.startsWith('headless://'), error.message);
          return true;
        },
      );
    });
  }

  test('whatever the text, there is a result or a TargetError', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ maxLength: 20 }), (path, authority) => {
        try {
          parse(path, authority);
        } catch (error) {
          assert.ok(error instanceof TargetError, String(error));
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

test('durations', () => {
  const cases: readonly [string, number | undefined][] = [
    ['500ms', 500],
    ['1.5s', 1500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['1', undefined],
    ['', undefined],
    ['-1s', undefined],
    ['9999h', undefined],
  ];
  for (const [text, ms] of cases) assert.equal(parseDuration(text), ms, text);
});

suite('search names', () => {
  const pod = 'search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.0.0.10\noptions ndots:5\n';
  const cases: readonly { name: string; host: string; resolvConf: string; namespace?: string; expected: string[] }[] = [
    {
      name: 'a Service of the own namespace',
      host: 'backendh',
      resolvConf: pod,
      namespace: 'shop',
      expected: ['backendh.shop.svc.cluster.local', 'backendh.svc.cluster.local', 'backendh.cluster.local', 'backendh'],
    },
    {
      name: 'a machine that knows nothing of the cluster',
      host: 'a.default',
      resolvConf: 'search example.com # mine\noptions ndots:1 timeout:1',
      expected: ['a.default', 'a.default.example.com'],
    },
    {
      name: 'a Pod with the resolv.conf of its node',
      host: 'a.default',
      resolvConf: 'search example.com',
      namespace: 'shop',
      expected: [
        'a.default.shop.svc.cluster.local',
        'a.default.svc.cluster.local',
        'a.default.cluster.local',
        'a.default.example.com',
        'a.default',
      ],
    },
    { name: 'an absolute name', host: 'a.b.', resolvConf: pod, expected: ['a.b'] },
    { name: 'no file', host: 'a.b', resolvConf: '', expected: ['a.b'] },
  ];
  for (const { name, host, resolvConf, namespace, expected } of cases) {
    test(name, () => assert.deepEqual(searchNames(host, podSearchRules(resolvConf, namespace)), expected));
  }
});
