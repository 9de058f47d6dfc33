import { spawnSync } from 'node:child_process';
import { runCompiledSuite } from './compiled-suite.ts';
import type { SuiteOptions, SuiteResult } from './suite.ts';

/** Random clusters for each mode. One takes about a second, for a kube-proxy is started for it. */
const CASES = 50;

/** The rules of both modes and families beside those that the kube-proxy on the PATH writes for the same random objects. */
export async function kubeProxy({ seed, say }: SuiteOptions): Promise<SuiteResult> {
  const version = spawnSync('kube-proxy', ['--version'], { encoding: 'utf8' });
  if (version.status !== 0)
    throw new Error('kube-proxy is not on the PATH; build k8s.io/kubernetes/cmd/kube-proxy 1.36');
  if (process.getuid?.() !== 0) throw new Error('kube-proxy needs root, for network namespaces');
  const cases = process.env['STEELYARD_KUBE_PROXY_CASES'] ?? String(CASES);
  say(`${version.stdout.trim()}: ${cases} random clusters for each mode`);
  const { output, passed, failed, skipped } = await runCompiledSuite({
    file: 'netfilter/kube-proxy/kube-proxy.test.js',
    env: { STEELYARD_KUBE_PROXY_CASES: cases, STEELYARD_KUBE_PROXY_SEED: String(seed) },
  });
  const names = [...output.matchAll(/^ +not ok \d+ - (.*)$/gm)].map(([, name = '']) => name);
  if (failed > 0 && names.length === 0) names.push(output.slice(-2000));
  // A run that tested nothing is no success.
  if (passed + failed === 0 || skipped > 0) names.push(`${skipped} skipped, ${passed + failed} compared`);
  const where = /^ +seed \d+.*$/m.exec(output)?.[0].trim();
  return {
    summary: `kube-proxy: ${passed} of ${passed + failed} comparisons equal, ${cases} random clusters each, seed ${seed}`,
    failures: names.map((name) => (where === undefined ? name : `${name}: first at ${where}`)),
  };
}
