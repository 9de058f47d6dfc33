import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ExplainedCall } from '@steelyard/core/routing';
import { runHere } from '../run-here.test-bed.ts';

const CANARY = fileURLToPath(new URL('../../../../../examples/canary', import.meta.url));
const SAY = 'backend.default:8000/echo.Echo/Say';

async function explain(...args: readonly string[]): Promise<ExplainedCall> {
  const { stdout, stderr } = await runHere('explain', ...args, '-f', CANARY, '-o', 'json');
  assert.equal(stderr, '');
  const explained: ExplainedCall = JSON.parse(stdout);
  return explained;
}

test('a call’s way is told step by step, with the share of each endpoint', async () => {
  const { outcome, steps, shares } = await explain(SAY);
  assert.equal(outcome, 'forwarded');
  assert.deepEqual(
    steps.slice(0, 3).map(({ step, object, field }) => [step, object?.kind, field]),
    [
      ['host', 'Service', 'metadata.name'],
      ['virtual-service', 'VirtualService', 'spec.hosts'],
      ['route', 'VirtualService', 'spec.http[1]'],
    ],
  );
  assert.deepEqual(
    shares.map(({ pod, share }) => [pod, share]),
    [
      ['backend-v1-a', 0.45],
      ['backend-v1-b', 0.45],
      ['backend-v2-a', 0.1],
    ],
  );
});

test('-H leads another way', async () => {
  const { steps, shares } = await explain(SAY, '-H', 'X-Canary: true');
  assert.equal(steps[2]?.field, 'spec.http[0]');
  assert.deepEqual(
    shares.map(({ pod, share }) => [pod, share]),
    [['backend-v2-a', 1]],
  );
});

test('the text has a numbered line a step', async () => {
  const { code, stdout } = await runHere('explain', SAY, '-f', CANARY);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^ 3\. route: Route everybody takes the call.*\s+\[VirtualService default\/backend spec\.http\[1\]\]$/m,
  );
  assert.match(
    stdout,
    /^ {6}Route testers does not: headers\[x-canary\] must be one that is "true",\s+and it is absent\.$/m,
  );
  assert.match(stdout, /^ {2}10\.80\.2\.1:8000 +10\.0 % {2}backend-v2-a/m);
});

test('the text says what a fault ends beside the shares', async () => {
  const fault = fileURLToPath(new URL('../../../../../examples/fault', import.meta.url));
  const { stdout } = await runHere('explain', SAY, '-f', fault);
  assert.match(stdout, /^ {2}10\.80\.1\.1:8000 +~30\.0 % {2}backend-v1-a/m);
  assert.match(stdout, /^10\.0 % end by the fault\.$/m);
});

test('a call that has nowhere to go is a "no"; a bad header is wrong usage', async () => {
  const lost = await runHere('explain', 'nobody:1/echo.Echo/Say', '-f', CANARY);
  assert.equal(lost.code, 1);
  assert.match(lost.stdout, /means Service default\/nobody, which is not\s+known/);
  const wrong = await runHere('explain', SAY, '-H', 'no colon', '-f', CANARY);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /^error: -H "no colon": write NAME: VALUE/);
});

test('--from is the namespace of the caller: short names and exportTo go by it', async () => {
  assert.equal((await explain(SAY, '--from', 'other')).from, 'other');
  const short = 'backend:8000/echo.Echo/Say';
  assert.equal((await explain(short)).outcome, 'forwarded');
  const lost = await runHere('explain', short, '-f', CANARY, '--from', 'other');
  assert.equal(lost.code, 1);
  assert.match(lost.stdout, /called from namespace other\n/);
  assert.match(lost.stdout, /means Service other\/backend, which is not\s+known/);
  const wrong = await runHere('explain', SAY, '-f', CANARY, '--from', '10.0.0.1');
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /--from 10\.0\.0\.1: of a call, write the namespace of its caller/);
});
