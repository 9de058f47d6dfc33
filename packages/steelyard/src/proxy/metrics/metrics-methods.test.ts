import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createField, HeaderBlock } from '@steelyard/http2';
import { MethodTable } from './metrics-methods.ts';
import type { MethodSeries } from './metrics-series.ts';
import { codeOfField, codeOfHeader } from './metrics-status.ts';

const path = (text: string): ReturnType<typeof createField> => createField(':path', text);

function counted(series: MethodSeries): MethodSeries {
  series.started++;
  return series;
}

describe('methods are told apart', () => {
  test('by name, whichever field the name came in', () => {
    const table = new MethodTable();
    const field = path('/pkg.Echo/Say');
    const series = table.of(field);
    assert.equal(series.method, 'pkg.Echo/Say');
    assert.equal(table.of(field), series);
    assert.equal(table.of(path('/pkg.Echo/Say')), series);
    assert.notEqual(table.of(path('/pkg.Echo/Shout')), series);
  });

  for (const odd of ['', '/', '/a', '/a/b/c', '/a/b?x=1', 'a/b', '/a b/c', `/a/${'b'.repeat(101)}`, '*']) {
    test(`but ${JSON.stringify(odd.slice(0, 12))} is no method`, () => {
      const table = new MethodTable();
      assert.equal(table.of(path(odd)), table.other);
      assert.equal(table.of(undefined), table.other);
    });
  }

  test('names that callers invent do not push out real ones, and their number is bounded', () => {
    const table = new MethodTable();
    const real = counted(table.of(path('/real.Echo/Say')));
    real.proven = true;
    const busy = counted(table.of(path('/busy.Echo/Say')));
    busy.active = 1;
    for (let i = 0; i < 1000; i++) {
      const invented = counted(table.of(path(`/x.X/M${i}`)));
      invented.parts.record(12, 100);
      const attempts = invented.attemptsAt('c');
      attempts.started++;
      attempts.parts.record(12, 90);
    }
    assert.equal(table.of(path('/real.Echo/Say')), real);
    assert.equal(table.of(path('/busy.Echo/Say')), busy);
    const all = table.all();
    assert.ok(all.length <= 257);
    const total = (of: (series: MethodSeries) => number): number => all.reduce((sum, series) => sum + of(series), 0);
    assert.equal(
      total(({ started }) => started),
      1002,
      'no call is forgotten',
    );
    assert.equal(
      total((series) => series.attempts.get('c')?.started ?? 0),
      1000,
    );
  });

  test('when every name is real, a new one is "other"', () => {
    const table = new MethodTable();
    for (let i = 0; i < 256; i++) table.of(path(`/x.X/M${i}`)).proven = true;
    assert.equal(table.of(path('/x.X/M256')), table.other);
  });
});

describe('the status of a response', () => {
  const field: readonly [string, number][] = [
    ['0', 0],
    ['1', 1],
    ['9', 9],
    ['10', 10],
    ['16', 16],
    ['17', 2],
    ['99', 2],
    ['00', 2],
    ['', 2],
    ['x', 2],
    ['1x', 2],
    ['-1', 2],
    ['100', 2],
  ];
  for (const [text, code] of field) {
    test(`grpc-status ${JSON.stringify(text)} is ${code}`, () =>
      assert.equal(codeOfField(createField('grpc-status', text)), code));
  }

  const headers: readonly [status: string, ofGrpc: number, ofOther: number][] = [
    ['200', 2, 0],
    ['204', 2, 0],
    ['302', 2, 0],
    ['400', 13, 13],
    ['401', 16, 16],
    ['403', 7, 7],
    ['404', 12, 12],
    ['429', 14, 14],
    ['418', 2, 2],
    ['500', 2, 2],
    ['502', 14, 14],
    ['503', 14, 14],
    ['504', 14, 14],
  ];
  for (const [status, ofGrpc, ofOther] of headers) {
    test(`:status ${status} alone is ${ofGrpc} for gRPC, ${ofOther} otherwise`, () => {
      const block = HeaderBlock.of([]);
      block.status = createField(':status', status);
      assert.equal(codeOfHeader(block, true), ofGrpc);
      assert.equal(codeOfHeader(block, false), ofOther);
      block.grpcStatus = createField('grpc-status', '5');
      assert.equal(codeOfHeader(block, true), 5);
    });
  }
});
