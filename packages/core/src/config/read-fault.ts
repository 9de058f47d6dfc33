import { type Fault, GRPC_STATUS_NAMES } from '../model/index.ts';
import type { FieldReader } from './field-reader.ts';
import { readDurationMs, readPercentage } from './read-duration.ts';

/** `fault` of a rule: delay before the call goes on, abort instead of it. */
export function readFault(rule: FieldReader): Fault | undefined {
  const block = rule.mapping('fault');
  if (block === undefined) return undefined;
  if (!block.has('delay') && !block.has('abort')) {
    rule.fail('fault', 'invalid-value', 'Field fault needs a delay or an abort; add one or remove it.');
  }
  const delay = readDelay(block);
  const abort = readAbort(block);
  block.finish();
  return { ...(delay !== undefined && { delay }), ...(abort !== undefined && { abort }) };
}

function readDelay(block: FieldReader): Fault['delay'] {
  const delay = block.mapping('delay');
  if (delay === undefined) return undefined;
  if (delay.has('exponentialDelay')) {
    delay.fail('exponentialDelay', 'invalid-value', 'Istio knows no exponentialDelay yet; use fixedDelay.');
    delay.ignore('exponentialDelay');
  } else delay.require('fixedDelay');
  const fixedDelayMs = readDurationMs(delay, 'fixedDelay');
  const percentage = readPercentage(delay, 'percentage');
  const deprecated = delay.integer('percent', { min: 0, max: 100 });
  delay.deprecated('use percentage', 'percent');
  delay.finish();
  // Without a percentage no call is meant (istio.io, `HTTPFaultInjection.Delay`).
  return fixedDelayMs === undefined ? undefined : { fixedDelayMs, percent: percentage ?? deprecated ?? 0 };
}

function readAbort(block: FieldReader): Fault['abort'] {
  const abort = block.mapping('abort');
  if (abort === undefined) return undefined;
  const given = ['httpStatus', 'grpcStatus', 'http2Error'].filter((field) => abort.has(field));
  if (given.length !== 1) {
    block.fail('abort', 'invalid-value', 'Field abort needs one of httpStatus and grpcStatus; set exactly one.');
  }
  if (abort.has('http2Error')) {
    abort.fail('http2Error', 'invalid-value', 'Istio knows no http2Error yet; use grpcStatus.');
    abort.ignore('http2Error');
  }
  const httpStatus = abort.integer('httpStatus', { min: 200, max: 600 });
  const grpcStatus = abort.word('grpcStatus', GRPC_STATUS_NAMES);
  const percent = readPercentage(abort, 'percentage');
  abort.finish();
  const status =
    grpcStatus === undefined
      ? httpStatus !== undefined && ({ kind: 'http', status: httpStatus } as const)
      : ({ kind: 'grpc', code: GRPC_STATUS_NAMES.indexOf(grpcStatus) } as const);
  return status === false ? undefined : { status, percent: percent ?? 0 };
}
