import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { LabReport } from '../../lab/index.ts';
import { WAYS } from '../../lab/index.ts';
import { EXAMPLE, folderWith, runCli, startCli } from '../cli.test-bed.ts';

const SERVICE_PORTS = 'ports: [{ name: grpc, port: 8000 }]';

/** The contract of `-o json`, read by scripts. */
function assertReport(value: unknown): asserts value is LabReport {
  assert.ok(typeof value === 'object' && value !== null && 'ways' in value && Array.isArray(value.ways));
  for (const way of value.ways) {
    for (const [key, type] of [
      ['way', 'string'],
      ['calls', 'number'],
      ['errors', 'number'],
      ['chiSquare', 'number'],
      ['pValue', 'number'],
      ['verdict', 'string'],
    ]) {
      assert.equal(typeof way[key ?? ''], type, key);
    }
    for (const each of way.pods) {
      assert.equal(typeof each.name, 'string');
      assert.equal(typeof each.address, 'string');
      for (const key of ['calls', 'share', 'expectedShare']) assert.equal(typeof each[key], 'number', key);
    }
  }
}

test('the example: one pod has every call on the service way, all share on the others', async () => {
  const { code, stdout, stderr } = await runCli(['lab', '-f', EXAMPLE, '--calls', '300', '-o', 'json']);
  const report: unknown = JSON.parse(stdout);
  assertReport(report);
  assert.deepEqual(
    report.ways.map(({ way }) => way),
    WAYS,
  );
  for (const { way, calls, errors, pods, outcome } of report.ways) {
    assert.equal(calls, 300);
    assert.equal(errors, 0);
    assert.deepEqual(
      pods.map(({ address, port }) => `${address}:${port}`),
      ['10.80.128.247:8000', '10.80.153.167:8000', '10.80.167.226:8000'],
    );
    assert.equal(
      pods.reduce((sum, each) => sum + each.calls, 0),
      300,
    );
    for (const { share, expectedShare } of pods) {
      assert.ok(Math.abs(expectedShare - 1 / 3) < 1e-6);
      // Five standard deviations: chance does not make this test fail.
      if (way === 'service') assert.ok(share === 0 || share === 1);
      else assert.ok(Math.abs(share - 1 / 3) < 0.14, `${way}: ${share}`);
    }
    if (way === 'service') assert.equal(outcome, 'pinned');
  }
  assert.equal(code, report.ways.every(({ asExpected }) => asExpected) ? 0 : 1, stderr);
});

test('weights decide on the proxy way, standard input is read, a missing headless Service is said aloud', async () => {
  const pods = (name: string, ...addresses: string[]): string => `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: grpc, port: 8000 }]
endpoints: [${addresses.map((address) => `{ addresses: [${address}] }`).join(', ')}]
`;
  const service = (name: string, address: string): string => `---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { clusterIP: ${address}, ${SERVICE_PORTS} }
`;
  const text = `${service('a', '10.1.0.1')}${pods('a', '10.0.0.1')}${service('b', '10.1.0.2')}${pods('b', '10.0.0.2')}---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a }
spec: { hosts: [a], http: [{ route: [{ destination: { host: a }, weight: 80 }, { destination: { host: b }, weight: 20 }] }] }
`;
  const { code, stdout, stderr } = await runCli(['lab', '-f', '-', '--calls', '300', '-o', 'yaml'], text);
  const report: unknown = parse(stdout);
  assertReport(report);
  assert.deepEqual(report.skipped, [{ way: 'headless', reason: 'no headless Service has the pods of default/a:8000' }]);
  const shares = new Map(report.ways.map((way) => [way.way, way.pods.map((each) => each.expectedShare)]));
  assert.deepEqual(shares.get('proxy'), [0.8, 0.2]);
  assert.deepEqual(shares.get('service'), [1, 0]);
  const [first] = report.ways.find(({ way }) => way === 'proxy')?.pods ?? [];
  assert.ok(first !== undefined && Math.abs(first.share - 0.8) < 0.12, `${first?.share}`);
  assert.equal(code, report.ways.every(({ asExpected }) => asExpected) ? 0 : 1, stderr);
});

test('the table on stdout, progress on stderr, no colour codes where there is no terminal', async () => {
  // What colour libraries ask when nobody tells them: it must not matter.
  const env = { CI: 'true', FORCE_COLOR: '1' };
  const { code, stdout, stderr } = await runCli(['lab', '--way', 'service', '--calls', '20', '--seed', '3'], '', env);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Service default\/backend at 10\.97\.211\.12:8000, 3 pods, .* seed 3\n/);
  assert.match(stdout, /█{24} {2}100\.0 %/);
  assert.match(stdout, /One connection, one pod: all 20 calls landed on backend-/);
  assert.ok(!(stdout + stderr).includes('\u001B'));
  assert.equal(stderr, 'starting 3 pods …\nservice: 20 calls …\n');
});

test('a way that is asked for but not to be had is refused', async (t) => {
  const folder = await folderWith(t, {
    'a.yaml': `apiVersion: v1
kind: Service
metadata: { name: a }
spec: { clusterIP: 10.1.0.1, ${SERVICE_PORTS} }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: a-1, labels: { kubernetes.io/service-name: a } }
addressType: IPv4
ports: [{ name: grpc, port: 8000 }]
endpoints: [{ addresses: [10.0.0.1] }]
`,
  });
  const { code, stderr } = await runCli(['lab', '-f', folder, '--way', 'headless']);
  assert.equal(code, 2);
  assert.equal(stderr, 'error: --way headless: no headless Service has the pods of default/a:8000\n');
});

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${signal} in the middle ends everything with ${code}`, async (t) => {
    const lab = startCli(t, ['lab', '--calls', '10000000']);
    await lab.said(/service: 10000000 calls/);
    lab.child.kill(signal);
    const { code: got, text } = await lab.ended;
    assert.equal(got, code, text);
    assert.doesNotMatch(text, /error|^\s+at /m);
  });
}

/** A connection that is open, and when it no longer is. Not a promise itself: it would be waited for. */
interface Closing {
  readonly closed: Promise<unknown>;
}

/** Addresses in the commands that --keep prints: the relay, a pod, the proxy. */
async function dialAll(text: string): Promise<Closing[]> {
  const addresses = [...text.matchAll(/(?<host>127[.\d]+):(?<port>\d+) echo\.Echo\/Say/g)];
  assert.equal(addresses.length, 3, text);
  return Promise.all(
    addresses.map(async ({ groups }) => {
      const socket = connect(Number(groups?.['port']), groups?.['host']);
      await once(socket, 'connect');
      socket.on('error', () => undefined).resume();
      return { closed: new Promise((resolve) => socket.once('close', resolve)) };
    }),
  );
}

for (const [signal, expected] of [
  ['SIGTERM', 0],
  ['SIGKILL', null],
] as const) {
  test(`--keep stays up to be called, and ${signal} leaves no process behind`, { timeout: 30_000 }, async (t) => {
    const lab = startCli(t, ['lab', '--calls', '10', '--keep']);
    const text = await lab.said(
      /BACKEND_ADDR=headless:\/\/127\.0\.0\.1:\d+\/backendh\.default\.svc\.cluster\.local\.:\d+\n/,
    );
    await lab.said(/proxy\n.*\n.*Say\n/);
    const closing = await dialAll(text);
    lab.child.kill(signal);
    assert.equal((await lab.ended).code, expected);
    // Each of them was another process's, or the lab's own: all of them are gone.
    await Promise.all(closing.map(({ closed }) => closed));
  });
}
