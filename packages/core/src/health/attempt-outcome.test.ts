import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { GRPC_STATUS_NAMES } from '../model/grpc-status.ts';
import { type AttemptEnd, isFailure, outcomeOf } from './attempt-outcome.ts';

const codeOf = (name: string): number => GRPC_STATUS_NAMES.indexOf(name);

suite('what an attempt says about its endpoint', () => {
  const answered: readonly (readonly [outcome: string, ...statuses: string[]])[] = [
    ['good', 'OK', 'INVALID_ARGUMENT', 'NOT_FOUND', 'ALREADY_EXISTS', 'PERMISSION_DENIED', 'FAILED_PRECONDITION'],
    ['good', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED', 'UNAUTHENTICATED'],
    ['gateway', 'UNAVAILABLE', 'DEADLINE_EXCEEDED'],
    ['server', 'UNKNOWN', 'INTERNAL', 'DATA_LOSS'],
    ['overload', 'RESOURCE_EXHAUSTED'],
    ['none', 'CANCELLED'],
  ];
  for (const [outcome, ...statuses] of answered) {
    test(`${statuses.join(', ')} of the pod itself: ${outcome}`, () => {
      for (const status of statuses) assert.equal(outcomeOf('answered', codeOf(status)), outcome, status);
    });
  }

  test('every status of gRPC has its place, and what is no status counts as UNKNOWN', () => {
    assert.equal(answered.flatMap(([, ...statuses]) => statuses).length, GRPC_STATUS_NAMES.length);
    for (const status of [17, 99, -1]) assert.equal(outcomeOf('answered', status), 'server');
  });

  const ends: readonly (readonly [AttemptEnd, string, string])[] = [
    ['broken', 'UNAVAILABLE', 'local'],
    ['broken', 'INTERNAL', 'local'],
    ['broken', 'CANCELLED', 'local'],
    ['broken', 'RESOURCE_EXHAUSTED', 'overload'],
    ['timeout', 'DEADLINE_EXCEEDED', 'local'],
    ['timeout', 'CANCELLED', 'local'],
    ['unsaid', 'CANCELLED', 'none'],
    ['unsaid', 'UNAVAILABLE', 'none'],
  ];
  for (const [end, status, outcome] of ends) {
    test(`${end} with ${status}: ${outcome}`, () => assert.equal(outcomeOf(end, codeOf(status)), outcome));
  }

  test('failures are all but what is good and what says nothing', () => {
    assert.deepEqual((['gateway', 'server', 'overload', 'local'] as const).map(isFailure), [true, true, true, true]);
    assert.deepEqual((['good', 'none'] as const).map(isFailure), [false, false]);
  });
});
