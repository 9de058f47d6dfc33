// The lab with real rules in a real kernel, in network namespaces that end with it.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { lacks } from '../../netfilter/apply/kernel-commands.test-bed.ts';
import { startCli } from '../cli.test-bed.ts';

interface Report {
  readonly ways: readonly {
    readonly way: string;
    readonly errors: number;
    readonly outcome: string;
    readonly pods: readonly { readonly address: string; readonly share: number }[];
  }[];
}

suite('lab --kernel', { skip: lacks('iptables') }, () => {
  test('the service way has one pod, every other way all of them', async (t) => {
    const lab = startCli(t, ['lab', '--kernel', '--calls', '300', '-o', 'json']);
    const { text } = await lab.ended;
    const report: Report = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
    assert.deepEqual(
      report.ways.map(({ way }) => way),
      ['service', 'headless', 'proxy', 'node'],
    );
    for (const { way, errors, outcome, pods } of report.ways) {
      assert.equal(errors, 0, way);
      assert.deepEqual(
        pods.map(({ address }) => address),
        ['10.80.128.247', '10.80.153.167', '10.80.167.226'],
      );
      assert.equal(outcome === 'pinned', way === 'service', way);
      // Five standard deviations: chance does not make this test fail.
      if (way !== 'service')
        for (const { share } of pods) assert.ok(Math.abs(share - 1 / 3) < 0.14, `${way}: ${share}`);
    }
  });
});
