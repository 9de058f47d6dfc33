import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { runHere } from '../run-here.test-bed.ts';
import { ISTIO_CODES } from './istio-codes.ts';

const ROOT = new URL('../../../../../', import.meta.url);

test("Istio's codes stand for those that the page says", () => {
  const page = readFileSync(new URL('docs/istio-compatibility.md', ROOT), 'utf8');
  const [, section = ''] = page.split('## Codes of `istioctl analyze`');
  const told = [...section.matchAll(/^\| (?<istio>[^|]*IST\d[^|]*)\| (?<ours>[^|]*)\|$/gm)].flatMap(({ groups }) => {
    const ours = [...(groups?.['ours'] ?? '').matchAll(/`([a-z-]+)`/g)].map(([, code]) => code);
    return [...(groups?.['istio'] ?? '').matchAll(/IST\d{4}/g)].map(([code]): [string, unknown] => [code, ours]);
  });
  assert.deepEqual(
    told.toSorted(([a], [b]) => a.localeCompare(b)),
    [...ISTIO_CODES],
  );
});

test('--suppress takes them, as istioctl does', async () => {
  const codes = async (...args: readonly string[]): Promise<readonly string[]> => {
    const traps = fileURLToPath(new URL('examples/traps', ROOT));
    const { stdout } = await runHere('analyze', '-f', traps, ...args);
    return [...stdout.matchAll(/ \[([a-z-]+)\]$/gm)].map(([, code = '']) => code);
  };
  const all = await codes();
  assert.ok(all.includes('destination-unknown-subset') && all.includes('tls-without-ca'));
  assert.deepEqual(
    await codes('--suppress', 'IST0101', '--suppress', 'IST0128=DestinationRule trusting.default'),
    all.filter((code) => code !== 'destination-unknown-subset' && code !== 'tls-without-ca'),
  );
  assert.deepEqual(await codes('--suppress', 'IST0128=DestinationRule other.default'), all);
  const { code, stderr } = await runHere('analyze', '-f', '-', '--suppress', 'IST0001');
  assert.equal(code, 2);
  assert.match(stderr, /there is no code IST0001/);
});
