import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { describe, test } from 'node:test';
import type { ProxyReport } from '../../metrics/metrics-report.ts';
import { says, startScript, withRetries } from './scripted-pods.test-bed.ts';

const refuse = (stream: { close(code: number): void }): void => stream.close(constants.NGHTTP2_REFUSED_STREAM);

function kindsOf({ methods }: ProxyReport): object | undefined {
  return methods[0]?.attempts[0]?.kinds;
}

describe('what is told of attempts', () => {
  test('metrics count retries by policy and transparent ones apart, and each attempt', async () => {
    const script = [says('UNAVAILABLE'), refuse, says('OK'), refuse];
    const { caller, proxy } = await startScript(2, script, withRetries({ attempts: 3 }));
    await caller.call('x');
    await caller.call('y');
    const report = await proxy.report();
    assert.deepEqual(kindsOf(report), { retries: 1, transparentRetries: 2, hedges: 0, mirrored: 0 });
    assert.equal(report.methods[0]?.started, 2);
    assert.equal(report.methods[0]?.attempts[0]?.started, 5);
  });

  test('hedges and copies have counts of their own', async () => {
    // The call and its copy come in either order.
    const unavailable = says('UNAVAILABLE');
    const annotations = { 'steelyard.dev/hedging': 'max-attempts=2,delay=60s' };
    const http = [{ route: [{ destination: { host: 'backend' } }], mirror: { host: 'backend' } }];
    const { caller, proxy } = await startScript(2, [unavailable, unavailable], { annotations, http });
    await caller.call('x');
    assert.deepEqual(kindsOf(await proxy.report()), { retries: 0, transparentRetries: 0, hedges: 1, mirrored: 1 });
  });

  test('a line of the access log has the number of attempts, and the pod of the last', async () => {
    let lines = '';
    const log = (text: string): void => void (lines += text);
    const { caller, proxy, arrivals } = await startScript(3, [says('UNAVAILABLE'), says('CANCELLED')], { log });
    await caller.call('x');
    await caller.call('y');
    await proxy.close();
    const [first = '', second = ''] = lines.split('\n');
    assert.match(first, /"status":"OK".*"attempts":3\b/);
    assert.match(second, /"status":"OK".*"attempts":1\b/);
    assert.equal(arrivals.length, 4);
  });
});
