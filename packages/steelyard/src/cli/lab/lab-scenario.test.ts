import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCli } from '../cli.test-bed.ts';

interface PodOfReport {
  readonly fresh: boolean;
  readonly firstCallAfterMs?: number | null;
}

/** The contract of `-o json`, read by scripts. */
function callersOf(text: string): Map<string, { errors: number; calls: number; fresh: PodOfReport[] }> {
  const report: unknown = JSON.parse(text);
  assert.ok(typeof report === 'object' && report !== null && 'callers' in report && Array.isArray(report.callers));
  return new Map(
    report.callers.map(({ caller, errors, calls, pods }) => [
      caller,
      { errors, calls, fresh: pods.filter(({ fresh }: PodOfReport) => fresh) },
    ]),
  );
}

test('from 3 pods to 6: our callers reach each new one, plain grpc-js none', { timeout: 60_000 }, async () => {
  const args = ['lab', '--way', 'headless', '--scenario', 'scale-up', '--calls-per-second', '60', '-o', 'json'];
  // How soon is the report's own judgement: a machine that is busy enough lets nobody run for the few seconds that it takes.
  for (let attempt = 1; ; attempt++) {
    const { stdout, stderr } = await runCli(args);
    const callers = callersOf(stdout);
    const [ours, plain] = [callers.get('steelyard'), callers.get('grpc-js')];
    assert.ok(ours !== undefined && plain !== undefined, stderr.slice(0, 300));
    for (const { errors, fresh } of [ours, plain]) {
      assert.equal(errors, 0);
      assert.equal(fresh.length, 3);
    }
    assert.ok(plain.fresh.every(({ firstCallAfterMs }) => firstCallAfterMs === null));
    assert.match(stderr, /^starting 6 pods …\nscale-up: both callers connect …\nscale-up: 3 pods come, 0 go …\n/);
    if (ours.fresh.every(({ firstCallAfterMs }) => typeof firstCallAfterMs === 'number')) break;
    assert.ok(attempt < 2, 'each new pod gets its calls');
  }
});

const wrong: readonly { args: readonly string[]; message: RegExp }[] = [
  { args: ['--scenario', 'blackout'], message: /there is no such scenario; choose scale-up or rollout/ },
  {
    args: ['--scenario', 'rollout', '--way', 'proxy'],
    message: /is played on the headless way; leave out --way proxy/,
  },
  { args: ['--scenario', 'rollout', '--keep'], message: /has no use for --keep/ },
  { args: ['--scenario', 'rollout', '--kernel'], message: /is played on loopback; leave out --kernel/ },
  { args: ['--calls-per-second', '5'], message: /is for --scenario/ },
  { args: ['--scenario', 'rollout', '--calls-per-second', '0'], message: /calls-per-second/ },
];
for (const { args, message } of wrong) {
  test(`lab ${args.join(' ')} is wrong usage`, async () => {
    const { code, stderr } = await runCli(['lab', ...args]);
    assert.equal(code, 2);
    assert.match(stderr, message);
    assert.equal(stderr.trim().split('\n').length, 1);
  });
}
