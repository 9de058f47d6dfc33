import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PodBehaviour } from '@steelyard/testkit';
import { named, startRules } from './proxy-rules.test-bed.ts';

const toBackend = { destination: { host: 'backend' } };
const rule = (response: object, more: object = {}): object => ({ headers: { response }, route: [toBackend], ...more });

/** What the pod says beside its name. */
const SAID = { 'x-version': '1', 'x-secret': 's', 'x-two': ['a', 'b'] };

/** Header, one message, trailers. */
const whole: PodBehaviour = (stream) => {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...SAID }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-version': 'of the trailers' }));
  stream.end('message');
};

const CASES: readonly [string, readonly object[], object][] = [
  ['nothing to do', [rule({}, { headers: { request: { set: { a: 'b' } } } })], { ...SAID, 'x-two': 'a, b' }],
  [
    'removed',
    [rule({ remove: ['X-Secret', 'x-two'] })],
    { 'x-version': '1', 'x-secret': undefined, 'x-two': undefined },
  ],
  ['set', [rule({ set: { 'x-version': '2', 'x-new': 'n' } })], { 'x-version': '2', 'x-new': 'n', 'x-secret': 's' }],
  ['added', [rule({ add: { 'x-version': '2', 'x-new': 'n' } })], { 'x-version': '1, 2', 'x-new': 'n' }],
  [
    'of a sole destination, in one with those of the rule',
    [
      {
        headers: { response: { set: { 'x-version': 'rule' }, remove: ['x-secret'] } },
        route: [{ ...toBackend, headers: { response: { add: { 'x-version': 'destination' } } } }],
      },
    ],
    { 'x-version': 'rule, destination', 'x-secret': undefined },
  ],
  [
    'of one of several destinations, before those of the rule',
    [
      {
        headers: { response: { set: { 'x-version': 'rule' }, add: { 'x-new': 'rule' } } },
        route: [
          {
            ...toBackend,
            weight: 1,
            headers: { response: { set: { 'x-version': 'destination', 'x-new': 'destination' } } },
          },
          { ...toBackend, weight: 0 },
        ],
      },
    ],
    { 'x-version': 'rule', 'x-new': 'destination, rule' },
  ],
];

describe('headers.response', () => {
  for (const [why, http, expected] of CASES) {
    for (const [form, behaviour] of [
      ['a whole response', whole],
      ['trailers only', named('a', SAID)],
    ] as const) {
      test(`${why}: ${form}`, async () => {
        const { caller, findings } = await startRules({ pods: [{ behaviour }], http });
        assert.deepEqual(findings, []);
        // Twice: the second header comes out of the tables of HPACK.
        for (let call = 0; call < 2; call++) {
          const { headers, trailers, body } = await caller.call('x');
          const got = Object.fromEntries(Object.keys(expected).map((name) => [name, headers[name]]));
          assert.deepEqual(got, expected);
          assert.equal(headers[':status'], 200);
          if (form === 'trailers only') assert.equal(headers['grpc-status'], '0');
          else assert.deepEqual([body.toString(), trailers['x-version']], ['message', 'of the trailers']);
        }
      });
    }
  }

  test('an interim response passes unchanged', async () => {
    const hints: PodBehaviour = (stream, headers) => {
      stream.additionalHeaders({ ':status': 103, 'x-version': 'interim' });
      whole(stream, headers);
    };
    const { caller } = await startRules({ pods: [{ behaviour: hints }], http: [rule({ set: { 'x-version': '2' } })] });
    const stream = caller.open();
    const interim: unknown[] = [];
    stream.on('headers', (headers) => interim.push(headers['x-version']));
    const final = new Promise((resolve) => {
      stream.on('response', (headers) => resolve(headers['x-version']));
    });
    stream.end('x');
    assert.equal(await final, '2');
    assert.deepEqual(interim, ['interim']);
    stream.resume();
  });

  test('an answer of the rule itself has them too; a failure of the proxy has not', async () => {
    const direct = { directResponse: { status: 503 }, headers: { response: { set: { 'x-by': 'rule' } } } };
    const answered = await startRules({ pods: [], http: [direct] });
    assert.equal((await answered.caller.call('')).headers['x-by'], 'rule');
    const html = await answered.caller.call('', { 'content-type': 'text/plain' });
    assert.deepEqual([html.headers[':status'], html.headers['x-by']], [503, 'rule']);
    const failed = await startRules({ pods: [], http: [rule({ set: { 'x-by': 'rule' } })] });
    const { headers } = await failed.caller.call('');
    assert.deepEqual([headers['grpc-status'], headers['x-by']], ['14', undefined]);
  });
});
