import type { OutlierDetection } from '../model/index.ts';
import type { FieldReader } from './field-reader.ts';
import { readDurationMs } from './read-duration.ts';

const COUNT = { min: 0, max: 4_294_967_295 } as const;
const PERCENT = { min: 0, max: 100 } as const;

/** `outlierDetection`, with the defaults of Istio's API. */
export function readOutlierDetection(policy: FieldReader): OutlierDetection | undefined {
  const block = policy.mapping('outlierDetection');
  if (block === undefined) return undefined;
  const deprecated = block.integer('consecutiveErrors', COUNT);
  const consecutive5xxErrors = block.integer('consecutive5xxErrors', COUNT);
  const consecutiveGatewayErrors = block.integer('consecutiveGatewayErrors', COUNT) ?? deprecated ?? 0;
  const split = block.boolean('splitExternalLocalOriginErrors') ?? false;
  const local = block.integer('consecutiveLocalOriginFailures', COUNT);
  const intervalMs = readDurationMs(block, 'interval') ?? 10_000;
  const baseEjectionTimeMs = readDurationMs(block, 'baseEjectionTime') ?? 30_000;
  const maxEjectionPercent = block.integer('maxEjectionPercent', PERCENT) ?? 10;
  const minHealthPercent = block.integer('minHealthPercent', PERCENT) ?? 0;
  block.deprecated('use consecutiveGatewayErrors', 'consecutiveErrors');
  block.notHonoured('a status counts by its gRPC meaning', 'outlierDetectionHttpErrorCodes');
  block.finish();
  if (!split && local !== undefined && local > 0) {
    const message = 'Field consecutiveLocalOriginFailures needs splitExternalLocalOriginErrors; set it or remove this.';
    block.fail('consecutiveLocalOriginFailures', 'invalid-value', message);
  }
  return {
    consecutive5xxErrors: consecutive5xxErrors ?? 5,
    consecutiveGatewayErrors,
    splitExternalLocalOriginErrors: split,
    consecutiveLocalOriginFailures: local ?? 5,
    intervalMs,
    baseEjectionTimeMs,
    maxEjectionPercent,
    minHealthPercent,
  };
}
