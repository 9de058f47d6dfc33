import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderInvitation } from './invitation.ts';
import { pod, snapshotOf } from '../lab.test-bed.ts';
import { findLabTarget } from '../lab-target.ts';
import type { OpenWay } from '../ways/way-context.ts';

const target = findLabTarget(snapshotOf({ name: 'api', clusterIp: '10.1.0.1', pods: [pod('10.0.0.1')] }), 'default');
const backends = { addresses: new Map([['10.0.0.1:8000', { host: '127.0.0.2', port: 8000 }]]), onePort: true };
const way = (changes: Partial<OpenWay>): OpenWay => ({
  way: 'service',
  target: '127.0.0.1:1',
  env: {},
  awaitPods: 1,
  expected: new Map(),
  balancedBy: '',
  how: '',
  address: { host: '127.0.0.1', port: 1 },
  ...changes,
});

const cases: readonly [string, OpenWay, readonly RegExp[]][] = [
  [
    'service',
    way({}),
    [
      /grpcurl -plaintext -import-path \S+\/proto -proto echo\.proto -d '\{"message":"hello"\}' 127\.0\.0\.1:1 echo\.Echo\/Say\n/,
    ],
  ],
  [
    'proxy',
    way({ way: 'proxy', authority: 'api.default:8000' }),
    [/ -authority api\.default:8000 .* 127\.0\.0\.1:1 echo/],
  ],
  [
    'headless',
    way({ way: 'headless', target: 'dns://127.0.0.1:1/apih.default.svc.cluster.local:8000' }),
    [
      /dig @127\.0\.0\.1 -p 1 \+short apih\.default\.svc\.cluster\.local\n/,
      / 127\.0\.0\.2:8000 echo\.Echo\/Say\n/,
      / BACKEND_ADDR=dns:\/\/127\.0\.0\.1:1\/apih\.default\.svc\.cluster\.local:8000\n/,
    ],
  ],
];

for (const [name, open, lines] of cases) {
  test(`the ${name} way can be called by pasting a line`, () => {
    const text = renderInvitation([open], target, backends);
    for (const line of lines) assert.match(text, line);
  });
}
