import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ExplainedCall } from '@steelyard/core/routing';
import { parseGateways, parseLabels, parseLocality, parseNodeName } from './client-options.ts';
import { runCli } from '../cli.test-bed.ts';

const LOCALITY = fileURLToPath(new URL('../../../../../examples/locality', import.meta.url));

const LABELS: readonly [string, object | RegExp][] = [
  ['app=web', { app: 'web' }],
  ['app=web,app.kubernetes.io/name=a_b.c', { app: 'web', 'app.kubernetes.io/name': 'a_b.c' }],
  ['empty=', { empty: '' }],
  ['', {}],
  ['app', /"app" is no label; write KEY=VALUE/],
  ['a=b=c', /"a=b=c" is no label/],
  ['/x=y', /is no label/],
  [`k=${'v'.repeat(64)}`, /is no label/],
];

test('labels', () => {
  for (const [text, expected] of LABELS) {
    if (expected instanceof RegExp) assert.throws(() => parseLabels(text), expected, text);
    else assert.deepEqual(parseLabels(text), expected, text);
  }
});

const LOCALITIES: readonly [string, object | RegExp][] = [
  ['r/z/s', { region: 'r', zone: 'z', subzone: 's' }],
  ['r/z', { region: 'r', zone: 'z', subzone: '' }],
  ['r', { region: 'r', zone: '', subzone: '' }],
  ['/z', { region: '', zone: 'z', subzone: '' }],
  ['', /Write REGION\/ZONE/],
  ['r//s', /Write REGION\/ZONE/],
  ['r/z/s/x', /Write REGION\/ZONE/],
  ['r/*', /Write REGION\/ZONE/],
];

test('localities', () => {
  for (const [text, expected] of LOCALITIES) {
    if (expected instanceof RegExp) assert.throws(() => parseLocality(text), expected, text);
    else assert.deepEqual(parseLocality(text), expected, text);
  }
});

const GATEWAYS: readonly [string, readonly string[] | RegExp][] = [
  ['mesh', ['mesh']],
  ['mesh,istio-system/ingress', ['mesh', 'istio-system/ingress']],
  ['ingress', /Write mesh, or gateways as NAMESPACE\/NAME/],
  ['a/b/c', /Write mesh/],
  ['', /Write mesh/],
];

test('gateways and node names', () => {
  for (const [text, expected] of GATEWAYS) {
    if (expected instanceof RegExp) assert.throws(() => parseGateways(text), expected, text);
    else assert.deepEqual(parseGateways(text), expected, text);
  }
  assert.equal(parseNodeName('ip-10-0-0-1.ec2.internal'), 'ip-10-0-0-1.ec2.internal');
  assert.throws(() => parseNodeName('Node 1'), /Write the name of a Node/);
});

const SAY = 'backend.default:8000/echo.Echo/Say';

/** Calls stay near; those of web are not taken. */
const RULES = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'backend' },
  spec: {
    hosts: ['backend'],
    http: [
      { name: 'web', match: [{ sourceLabels: { app: 'web' } }], directResponse: { status: 403 } },
      { name: 'others', route: [{ destination: { host: 'backend' } }] },
    ],
  },
};

const NODE = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: 'node-1',
    labels: { 'topology.kubernetes.io/region': 'r', 'topology.kubernetes.io/zone': 'zone-1' },
  },
};

test('a rule goes by the labels, a share by the place; both by flag or by environment', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'steelyard-client-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const rules = join(folder, 'rules.yaml');
  writeFileSync(rules, `${JSON.stringify(RULES)}\n---\n${JSON.stringify(NODE)}\n`);
  const explain = async (
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Partial<ExplainedCall>> => {
    const { stdout, stderr } = await runCli(
      ['explain', SAY, '-f', LOCALITY, '-f', rules, '-o', 'json', ...args],
      '',
      env,
    );
    assert.doesNotMatch(stderr, /error/);
    assert.notEqual(stdout, '', stderr);
    const explained: ExplainedCall = JSON.parse(stdout);
    return explained;
  };
  const sharesOf = ({ shares = [] }: Partial<ExplainedCall>): readonly unknown[] =>
    shares.filter(({ share }) => share > 0).map(({ pod, share }) => [pod, share]);

  const ALL = [
    ['backend-v1-a', 1 / 3],
    ['backend-v1-b', 1 / 3],
    ['backend-v2-a', 1 / 3],
  ];
  assert.deepEqual(sharesOf(await explain([])), ALL);
  assert.deepEqual(sharesOf(await explain(['--labels', 'app=job'])), ALL);
  assert.equal((await explain(['--labels', 'app=web,tier=front'])).outcome, 'answered');
  assert.equal((await explain([], { STEELYARD_LABELS: 'app=web' })).outcome, 'answered');
  assert.deepEqual(sharesOf(await explain(['--locality', 'r/zone-1'])), [['backend-v1-b', 1]]);
  assert.deepEqual(sharesOf(await explain(['--node-name', 'node-1'])), [['backend-v1-b', 1]]);
  assert.deepEqual(sharesOf(await explain([], { STEELYARD_LOCALITY: 'r/zone-2' })), [['backend-v2-a', 1]]);
});
