import { spawnSync } from 'node:child_process';
import { runCompiledSuite } from './compiled-suite.ts';
import type { SuiteOptions, SuiteResult } from './suite.ts';

/** The list/watch compliance suite against the in-process API server, then against a real one with its etcd. */
export async function kube({ say }: SuiteOptions): Promise<SuiteResult> {
  const versions = ['kube-apiserver', 'etcd'].map((command) => {
    const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command} is not on the PATH; install it (etcd 3.5, kube-apiserver 1.36)`);
    return stdout.split('\n')[0] ?? '';
  });
  const lines = [`kube: ${versions.join(', ')}`];
  const failures: string[] = [];
  for (const server of ['fake', 'real']) {
    const file = 'kube/cluster/compliance.test.js';
    const result = await runCompiledSuite({ file, env: { STEELYARD_KUBE_APISERVER: server } });
    lines.push(`kube: ${result.passed} passed, ${result.failed} failed against the ${server} API server`);
    say(lines.at(-1) ?? '');
    if (result.failed > 0) failures.push(`kube: ${result.failed} failed against the ${server} API server`);
    if (result.passed === 0) failures.push(`kube: nothing ran against the ${server} API server`);
  }
  return { summary: lines.join('\n'), failures };
}
