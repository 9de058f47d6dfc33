import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_RETRY_POLICY } from '../model/index.ts';
import { istio, pod, service, slice, snapshotOf } from './explain-call.test-bed.ts';
import { type ExplainedCall, explainCall } from './explain-call.ts';

const tls = (host: string, settings: object): object =>
  istio('DestinationRule', host, { host, trafficPolicy: { tls: settings } });
const toBackend = [{ destination: { host: 'backend' } }];

function explain(rule: object, ...more: readonly object[]): ExplainedCall {
  const objects = [service('backend'), slice, pod(1), pod(2), service('empty'), ...more];
  const rules = istio('VirtualService', 'v', { hosts: ['backend'], http: [rule] });
  const request = { path: '/echo.Echo/Say', authority: 'backend:8000', scheme: 'http' };
  return explainCall(snapshotOf([...objects, rules]), request, { namespace: 'default', listenPort: 0 });
}

/** What the rule does, by the last part of the field. */
function actionsOf(rule: object, ...more: readonly object[]): readonly (readonly [string, string, ...string[]])[] {
  const { steps } = explain(rule, ...more);
  return steps.flatMap(({ step, field = '', decision, because }) => {
    return step === 'action' ? [[field.replace(/^spec\.http\[0\]\.?/, ''), decision, ...because] as const] : [];
  });
}

test('an answer of its own: where to, and what callers make of it', () => {
  assert.deepEqual(actionsOf({ redirect: { port: 9000 } }), [
    [
      'redirect',
      'The route answers with a redirect (301) to http://backend:9000/echo.Echo/Say, which gRPC callers do not follow.',
      'Callers get UNKNOWN.',
    ],
  ]);
  assert.deepEqual(actionsOf({ directResponse: { status: 503, body: { string: 'hi' } } }), [
    [
      'directResponse',
      'The route answers by itself, with HTTP status 503.',
      'Callers get UNAVAILABLE, with the message "hi".',
    ],
  ]);
  const [abort] = actionsOf({ fault: { abort: { httpStatus: 404, percentage: { value: 50 } } }, route: toBackend });
  assert.equal(abort?.[1], '50 % of the calls end with UNIMPLEMENTED (HTTP status 404), and reach no endpoint.');
});

test('who says nothing of retries has the default ones', () => {
  const [action] = actionsOf({ route: toBackend });
  const [field, decision = '', ...because] = action ?? [];
  assert.equal(field, '');
  assert.match(
    decision,
    new RegExp(`^By default it is tried again at most ${DEFAULT_RETRY_POLICY.attempts} times, on `),
  );
  for (const word of DEFAULT_RETRY_POLICY.retryOn) assert.ok(decision.includes(word), word);
  assert.match(because.join(' '), new RegExp(`waits up to ${DEFAULT_RETRY_POLICY.backoffMs} ms`));
  const [own, ...more] = actionsOf({ retries: { attempts: 0 }, route: toBackend });
  assert.deepEqual([own, more.length], [['retries', 'It is not tried again.'], 0]);
  assert.deepEqual(actionsOf({ directResponse: { status: 200 } }).length, 1, 'who answers tries nothing');
});

test('what a destination of several does to its calls', () => {
  const headers = { request: { set: { 'x-ver': 'one', ':authority': 'z.example' } }, response: { remove: ['x-y'] } };
  const route = [
    { ...toBackend[0], weight: 1, headers },
    { destination: { host: 'empty' }, weight: 1 },
  ];
  const rule = { retries: { attempts: 0 }, route };
  assert.deepEqual(actionsOf(rule).slice(1), [
    ['route', 'The authority of these calls becomes z.example.'],
    ['route', 'Metadata of these requests is changed.', 'x-ver is set to "one".'],
    ['route', 'Metadata of their responses is changed.', 'x-y is removed.'],
  ]);
  const both = { ...rule, rewrite: { authority: 'y.example' }, headers: { request: { add: { 'x-a': '1' } } } };
  const said = actionsOf(both).filter(([field]) => field === 'route');
  assert.deepEqual(said.slice(0, 2), [
    ['route', 'The authority of these calls does not become z.example.', "The rule's rewrite makes it y.example."],
    [
      'route',
      'Metadata of these requests is changed.',
      'x-ver is set to "one".',
      'What the rule itself changes comes after that.',
    ],
  ]);
  const { steps } = explain(rule);
  const at = steps.findIndex(({ decision }) => decision === 'Metadata of these requests is changed.');
  assert.match(steps[at - 2]?.decision ?? '', /^50 % of the calls go to outbound\|8000\|\|backend\./);
});

test('a mirror that gets no copy', () => {
  const why = (destination: object, ...more: readonly object[]): readonly string[] => {
    const mirrors = [{ destination, percentage: { value: 20 } }];
    return actionsOf({ retries: { attempts: 0 }, mirrors, route: toBackend }, ...more).at(-1) ?? [];
  };
  const cluster = (host: string, subset = ''): string => `outbound|8000|${subset}|${host}.default.svc.cluster.local`;
  const none = (to: string, because: string): readonly string[] => {
    return ['mirrors[0]', `No call is copied to ${to}, though 20 % should be.`, because];
  };
  assert.deepEqual(why({ host: 'backend' }), ['mirrors[0]', `20 % of the calls are copied to ${cluster('backend')}.`]);
  assert.deepEqual(
    why({ host: 'nosuch' }),
    none(cluster('nosuch'), 'No Service nosuch.default.svc.cluster.local is known.'),
  );
  assert.deepEqual(why({ host: 'empty' }), none(cluster('empty'), 'It has no endpoint that takes calls.'));
  assert.deepEqual(why({ host: 'backend', subset: 'x' }), none(cluster('backend', 'x'), 'Nothing defines subset "x".'));
  const secured = why({ host: 'empty' }, tls('empty', { mode: 'ISTIO_MUTUAL' }));
  assert.match(secured[2] ?? '', /^No connection to its endpoints can be secured: tls mode ISTIO_MUTUAL needs/);
});

test('connections that cannot be secured take no call', () => {
  const rule = { retries: { attempts: 0 }, route: toBackend };
  for (const [settings, why] of [
    [{ mode: 'ISTIO_MUTUAL' }, /^tls mode ISTIO_MUTUAL needs the certificates/],
    [{ mode: 'SIMPLE', credentialName: 'x' }, /^tls\.credentialName "x" is a Secret/],
  ] as const) {
    const { outcome, shares, failing, steps } = explain(rule, tls('backend', settings));
    assert.deepEqual([outcome, shares.length, failing], ['failed', 0, 1]);
    const step = steps.find(({ step: name }) => name === 'tls');
    assert.deepEqual([step?.object?.name, step?.field], ['backend', 'spec.trafficPolicy.tls']);
    assert.match(step?.decision ?? '', /every call there fails with UNAVAILABLE/);
    assert.match(step?.because[0] ?? '', why);
  }
  const fine = explain(rule, tls('backend', { mode: 'SIMPLE', caCertificates: '/ca.crt' }));
  assert.equal(fine.outcome, 'forwarded');
  assert.deepEqual(
    fine.steps.flatMap(({ step, decision, because }) => (step === 'tls' ? [decision, ...because] : [])),
    [
      'Calls go to endpoints over TLS, mode SIMPLE.',
      'It needs these files where the proxy runs; they are not looked at here: /ca.crt.',
    ],
  );
});

test('of several destinations those fail that cannot be secured', () => {
  const other = { ...slice, metadata: { name: 'o', labels: { 'kubernetes.io/service-name': 'empty' } } };
  const route = [
    { destination: { host: 'backend' }, weight: 3 },
    { destination: { host: 'empty' }, weight: 1 },
  ];
  const { outcome, failing, shares } = explain({ route }, other, tls('empty', { mode: 'ISTIO_MUTUAL' }));
  assert.deepEqual([outcome, failing, shares.length], ['forwarded', 0.25, 2]);
  assert.equal(
    shares.reduce((sum, { share }) => sum + share, 0),
    0.75,
  );
});
