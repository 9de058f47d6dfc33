import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { PodBehaviour } from '@steelyard/testkit';
import { countOf } from '../metrics/metrics-histogram.ts';
import type { ProxyReport } from '../metrics/metrics-report.ts';
import { GRPC_STATUS_NAMES } from '@steelyard/core/model';
import { startBed } from './proxy.test-bed.ts';

/** Answers with the status the caller asks for, in trailers or in the header alone; `-` holds the call, `none` says nothing. */
const asAsked: PodBehaviour = (stream, headers) => {
  const [how = '', status = ''] = String(headers['x-meta']).split(' ');
  stream.resume();
  if (how === 'hold') {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
    return;
  }
  if (how === 'header') {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': status }, { endStream: true });
    return;
  }
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: how === 'trailers' });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
  stream.end('body');
};

function endedByStatus({ methods }: ProxyReport, method: string): Record<string, number> {
  const ended = methods.find((series) => series.method === method)?.ended ?? [];
  return Object.fromEntries(ended.map((part) => [GRPC_STATUS_NAMES[part.status], countOf(part)]));
}

describe('what the proxy counts', () => {
  test('each call once, with the status its caller saw', async () => {
    const { proxy, caller } = await startBed(2, asAsked);
    for (const meta of ['trailers 0', 'trailers 0', 'trailers 5', 'header 16', 'none'])
      await caller.call('x', { 'x-meta': meta });
    await caller.call('x', { ':path': '/echo.Echo/Other', 'x-meta': 'trailers 0' });
    await caller.call('x', { ':authority': 'nobody:1' });
    const report = await proxy.report();
    assert.deepEqual(endedByStatus(report, 'echo.Echo/Say'), {
      OK: 2,
      UNKNOWN: 1,
      NOT_FOUND: 1,
      UNIMPLEMENTED: 1,
      UNAUTHENTICATED: 1,
    });
    assert.deepEqual(endedByStatus(report, 'echo.Echo/Other'), { OK: 1 });
    const say = report.methods.find(({ method }) => method === 'echo.Echo/Say');
    assert.equal(say?.started, 6);
    assert.deepEqual(
      say?.attempts.map(({ target, started }) => [target, started]),
      [['outbound|8000||backend.default.svc.cluster.local', 5]],
    );
    const sum = (of: (endpoint: ProxyReport['endpoints'][number]) => number): number =>
      report.endpoints.reduce((total, endpoint) => total + of(endpoint), 0);
    assert.equal(
      sum(({ started }) => started),
      6,
    );
    assert.equal(
      sum(({ latency }) => countOf(latency)),
      6,
    );
    assert.equal(
      sum(({ active }) => active),
      0,
    );
    assert.equal(
      sum(({ byStatus }) => byStatus[0] ?? 0),
      3,
    );
  });

  test('a call under way is active; cancelled, it counts as that', async () => {
    const { proxy, caller } = await startBed(1, asAsked);
    const stream = caller.open({ 'x-meta': 'hold' });
    stream.on('error', () => undefined);
    await once(stream, 'response');
    const during = await proxy.report();
    assert.equal(during.endpoints[0]?.active, 1);
    assert.deepEqual(endedByStatus(during, 'echo.Echo/Say'), {});
    stream.close(constants.NGHTTP2_CANCEL);
    // A call on the same connection that ends later tells that the RST has been read.
    await caller.call('x', { 'x-meta': 'trailers 0' });
    const report = await proxy.report();
    assert.equal(report.endpoints[0]?.active, 0);
    assert.deepEqual(endedByStatus(report, 'echo.Echo/Say'), { OK: 1, CANCELLED: 1 });
  });

  test('a pod that is not there: the call is UNAVAILABLE, the pod failing', async () => {
    const { proxy, caller, pods } = await startBed(1);
    await pods[0]?.close();
    assert.equal((await caller.call('x')).headers['grpc-status'], '14');
    const report = await proxy.report();
    assert.deepEqual(endedByStatus(report, 'echo.Echo/Say'), { UNAVAILABLE: 1 });
    assert.equal(report.endpoints[0]?.failing, true);
    assert.ok(report.upstream.failed >= 1);
  });

  test('a call that the end of the proxy cuts off is UNAVAILABLE', async () => {
    const { proxy, caller } = await startBed(1, asAsked);
    const stream = caller.open({ 'x-meta': 'hold' });
    stream.on('error', () => undefined);
    await once(stream, 'response');
    await proxy.drain(0);
    const report = await proxy.report();
    assert.deepEqual(endedByStatus(report, 'echo.Echo/Say'), { UNAVAILABLE: 1 });
    assert.equal(report.downstream.opened, report.downstream.closed);
  });

  test('connections and octets, on both sides', async () => {
    const { proxy, caller } = await startBed(1);
    await caller.call(Buffer.alloc(100_000));
    const { downstream, upstream } = await proxy.report();
    for (const side of [downstream, upstream]) {
      assert.equal(side.opened - side.closed, 1);
      assert.ok(side.receivedOctets > 100_000 && side.receivedOctets < 110_000, `${side.receivedOctets}`);
      assert.ok(side.sentOctets > 100_000 && side.sentOctets < 110_000, `${side.sentOctets}`);
    }
  });
});
