import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SuiteOptions, SuiteResult } from './suite.ts';

/** Random clusters for each mode. One takes about a second, for a kube-proxy is started for it. */
const CASES = 50;
const TIMEOUT_MS = 1_800_000;
const TEST = fileURLToPath(new URL('../../../packages/steelyard/dist/netfilter/kube-proxy.test.js', import.meta.url));

/** The rules of both modes and families beside those that the kube-proxy on the PATH writes for the same random objects. */
export async function kubeProxy({ seed, say }: SuiteOptions): Promise<SuiteResult> {
  const version = spawnSync('kube-proxy', ['--version'], { encoding: 'utf8' });
  if (version.error !== undefined) {
    return skipped('no kube-proxy on the PATH; build one, as k8s.io/kubernetes/cmd/kube-proxy, and run this as root');
  }
  if (process.getuid?.() !== 0) return skipped('needs root, for network namespaces');
  say(`${version.stdout.trim()}: ${CASES} random clusters for each mode`);
  const cases = process.env['STEELYARD_KUBE_PROXY_CASES'] ?? String(CASES);
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', TEST], {
    env: { ...process.env, STEELYARD_KUBE_PROXY_CASES: cases, STEELYARD_KUBE_PROXY_SEED: String(seed) },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: TIMEOUT_MS,
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  const failed = [...output.matchAll(/^ +not ok \d+ - (.*)$/gm)].map(([, name = '']) => name);
  // A run that tested nothing is no success.
  const passed = [...output.matchAll(/^ +ok \d+ - (?!.*# SKIP)/gm)].length;
  if (code !== 0 && failed.length === 0) failed.push(output.slice(-2000));
  if (passed + failed.length === 0) failed.push('nothing was compared');
  const where = /^ +seed \d+.*$/m.exec(output)?.[0].trim();
  return {
    summary: `kube-proxy: ${passed} of ${passed + failed.length} comparisons equal, ${cases} random clusters each, seed ${seed}`,
    failures: failed.map((name) => (where === undefined ? name : `${name}: first at ${where}`)),
  };
}

function skipped(why: string): SuiteResult {
  return { summary: `kube-proxy: SKIPPED, ${why}`, failures: [] };
}
