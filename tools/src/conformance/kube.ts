import { spawnSync } from 'node:child_process';
import { runCompiledSuite } from './compiled-suite.ts';
import type { SuiteOptions, SuiteResult } from './suite.ts';

/** Numbers that tests say beside their verdict. */
const TOLD = /^# ((?:caught up|in force|from the event|\d+ updates|\d+ Services).*)$/gm;

const SCALE = 10_000;

const RUNS = [
  ...['fake', 'real'].flatMap((server) =>
    ['compliance', 'recovery'].map((name) => ({
      what: `${name}, ${server} API server`,
      file: `kube/cluster/${name}.test.js`,
      env: { STEELYARD_KUBE_APISERVER: server },
    })),
  ),
  {
    what: 'deploy/, real API server',
    file: 'kube/deploy-server.test.js',
    env: { STEELYARD_KUBE_APISERVER: 'real' },
  },
  {
    what: 'speed of change',
    file: 'cli/change-latency.test.js',
    env: { STEELYARD_CHANGE_LATENCY: 'measured' },
  },
  {
    what: 'a large cluster, real API server',
    file: 'kube/cluster/scale.test.js',
    env: { STEELYARD_KUBE_APISERVER: 'real', STEELYARD_KUBE_SCALE: String(SCALE) },
  },
] as const;

/** The list/watch compliance suite against the in-process API server, then against a real one with its etcd. */
export async function kube({ say }: SuiteOptions): Promise<SuiteResult> {
  const versions = ['kube-apiserver', 'etcd'].map((command) => {
    const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command} is not on the PATH; install it (etcd 3.5, kube-apiserver 1.36)`);
    return stdout.split('\n')[0] ?? '';
  });
  const lines = [`kube: ${versions.join(', ')}`];
  const failures: string[] = [];
  for (const { what, file, env } of RUNS) {
    const result = await runCompiledSuite({ file, env });
    lines.push(`kube: ${what}: ${result.passed} passed, ${result.failed} failed`);
    for (const [, told = ''] of result.output.matchAll(TOLD)) lines.push(`kube:   ${told}`);
    say(`${what}: ${result.passed} passed, ${result.failed} failed`);
    if (result.failed > 0) {
      const names = [...result.output.matchAll(/^not ok \d+ - (.*)$/gm)].map(([, name]) => name);
      failures.push(`kube: ${what}: ${names.join('; ')}`);
    }
    if (result.passed === 0) failures.push(`kube: ${what}: nothing ran`);
  }
  return { summary: lines.join('\n'), failures };
}
