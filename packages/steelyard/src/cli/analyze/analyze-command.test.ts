import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { runHere } from '../run-here.test-bed.ts';

function example(name: string): string {
  return fileURLToPath(new URL(`../../../../../examples/${name}`, import.meta.url));
}

interface Finding {
  readonly code: string;
  readonly severity: string;
  readonly object?: { readonly name: string };
  readonly position?: { readonly line?: number };
}

function findingsOf(text: string): readonly Finding[] {
  const parsed: { readonly findings: readonly Finding[] } = JSON.parse(text);
  return parsed.findings;
}

async function codesOf(
  name: string,
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly codes: readonly string[] }> {
  const { code, stdout } = await runHere('analyze', '-f', example(name), '-o', 'json', ...args);
  return { code, codes: findingsOf(stdout).map((finding) => `${finding.code} ${finding.object?.name ?? ''}`) };
}

const TRAPS = [
  'host-not-expanded short-name',
  'destination-unknown-subset unreachable',
  'rule-unreachable unreachable',
  'subset-selects-nothing nearer-than-you-think',
  'not-in-mesh gateway-only',
  'headless-port-differs moved',
  'match-ineffective unreachable',
  'tls-without-ca trusting',
  'grpc-behind-cluster-ip sticky',
  'port-protocol-unclear unnamed',
  'headless-policy-bypassed bypassed',
  'one-call-per-connection bypassed',
  'annotation-unknown bypassed',
  'destination-rule-out-of-reach nobody-looks-here',
  'outlier-detection-turns-on-locality nearer-than-you-think',
];

test('every trap of examples/traps is found, each with its line, and the exit code says no', async () => {
  const { code, stdout } = await runHere('analyze', '-f', example('traps'), '-o', 'json');
  assert.equal(code, 1);
  const findings = findingsOf(stdout);
  const found = new Set(findings.map((finding) => `${finding.code} ${finding.object?.name ?? ''}`));
  assert.deepEqual(
    TRAPS.filter((trap) => !found.has(trap)),
    [],
  );
  assert.deepEqual(
    findings.filter(({ position }) => (position?.line ?? 0) < 2),
    [],
  );
});

test('the text is one line a finding, as editors read them', async () => {
  const { stdout } = await runHere('analyze', '-f', example('traps'));
  const lines = stdout.trim().split('\n');
  assert.match(lines[0] ?? '', /traps\/mesh\.yaml:\d+:\d+: error: .*\[host-not-expanded\]$/);
  assert.match(lines.at(-1) ?? '', /^2 errors, \d+ warnings and 4 notes/);
});

test('--suppress leaves a code out, of all objects or of one; --fail-on sets where "no" begins', async () => {
  const sticky = await codesOf('canary');
  assert.deepEqual(sticky, { code: 0, codes: ['grpc-behind-cluster-ip backend'] });
  assert.deepEqual(await codesOf('canary', '--fail-on', 'info'), { ...sticky, code: 1 });
  const quiet = { code: 0, codes: [] };
  assert.deepEqual(await codesOf('canary', '--fail-on', 'info', '--suppress', 'grpc-behind-cluster-ip'), quiet);
  const one = 'grpc-behind-cluster-ip=Service backend.default';
  assert.deepEqual(await codesOf('canary', '--fail-on', 'info', '--suppress', one), quiet);
  for (const pattern of ['Service *.default', 'Service back*.*', 'Service *.*']) {
    assert.deepEqual(
      await codesOf('canary', '--fail-on', 'info', '--suppress', `grpc-behind-cluster-ip=${pattern}`),
      quiet,
    );
  }
  const other = 'grpc-behind-cluster-ip=Service other.default';
  assert.deepEqual(await codesOf('canary', '--suppress', other), sticky);
});

test('wrong usage is one line and exit code 2', async () => {
  for (const args of [
    ['--suppress', 'no-such-code'],
    ['--suppress', '='],
    ['--suppress', 'grpc-behind-cluster-ip=Service'],
    ['--suppress', 'grpc-behind-cluster-ip=Service (.default'],
    ['--fail-on', 'always'],
  ]) {
    const { code, stderr } = await runHere('analyze', '-f', example('canary'), ...args);
    assert.equal(code, 2, args.join(' '));
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
  }
});

test('no other example has an error', async () => {
  for (const name of ['backend', 'fault', 'hash', 'locality', 'mirror', 'mtls', 'outlier', 'retry']) {
    const { code, codes } = await codesOf(name);
    assert.equal(code, 0, `${name}: ${codes.join(', ')}`);
  }
});

test('--way finds what a way cannot honour', async () => {
  const lost = async (way: string): Promise<readonly string[]> => {
    const { codes } = await codesOf('canary', '--way', way);
    return codes.filter((code) => code.startsWith('way-cannot-honour'));
  };
  assert.deepEqual(await lost('proxy'), []);
  assert.deepEqual(await lost('node'), []);
  for (const way of ['service', 'headless', 'library']) {
    assert.deepEqual(await lost(way), ['way-cannot-honour backend', 'way-cannot-honour backend'], way);
  }
});
