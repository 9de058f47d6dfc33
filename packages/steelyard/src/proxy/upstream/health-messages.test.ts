import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { parseHealthRequest } from '../downstream/parse-health-request.ts';
import { parseServingStatus, renderHealthRequest } from './health-messages.ts';

describe('the messages of grpc.health.v1', () => {
  const answers: readonly (readonly [readonly number[], string])[] = [
    [[0, 0, 0, 0, 2, 8, 1], 'SERVING'],
    [[0, 0, 0, 0, 2, 8, 2], 'NOT_SERVING'],
    [[0, 0, 0, 0, 2, 8, 3], 'SERVICE_UNKNOWN'],
    [[0, 0, 0, 0, 0], 'UNKNOWN'],
    [[0, 0, 0, 0, 4, 8, 2, 8, 1], 'SERVING'],
    [[0, 0, 0, 0, 4, 8, 1, 0x10, 7], 'SERVING'],
    [[0, 0, 0, 0, 2, 8, 99], 'status 99'],
    [[], 'no HealthCheckResponse'],
    [[1, 0, 0, 0, 2, 8, 1], 'no HealthCheckResponse'],
    [[0, 0, 0, 0, 3, 8, 1], 'no HealthCheckResponse'],
    [[0, 0, 0, 0, 1, 8], 'no HealthCheckResponse'],
  ];
  for (const [bytes, expected] of answers) {
    test(`${bytes.join(' ') || 'nothing'}: ${expected}`, () => {
      assert.equal(parseServingStatus(Uint8Array.from(bytes)), expected);
    });
  }

  test('no octets make the parser throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) =>
        assert.equal(typeof parseServingStatus(bytes), 'string'),
      ),
      { seed: 1, numRuns: 500 },
    );
  });

  test('a request names its service, however long or odd', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (service) => {
        assert.equal(parseHealthRequest(renderHealthRequest(service)), service);
      }),
      { seed: 2, numRuns: 200 },
    );
  });
});
