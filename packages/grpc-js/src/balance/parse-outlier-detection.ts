import type { OutlierDetectionOptions, RateEjection } from '@steelyard/core/health';
import { DEFAULT_OUTLIER_DETECTION } from '@steelyard/core/health';
import type { JsonFields } from '../json-fields.ts';

/** gRFC A50: 1900 thousandths of a standard deviation, and 85 %. */
const DEFAULT_STDEV_FACTOR = 1900;
const DEFAULT_THRESHOLD = 85;
const MAX_UINT32 = 2 ** 32 - 1;

/**
 * `outlierDetection` of a policy's configuration: gRFC A50's fields, and `consecutiveFailures`. Without any way of judging
 * it is five failures in a row.
 *
 * @throws TypeError saying which field is wrong
 */
export function parseOutlierDetection(fields: JsonFields): OutlierDetectionOptions {
  const successRate = fields.object('successRateEjection');
  const failurePercentage = fields.object('failurePercentageEjection');
  const fallback =
    successRate === undefined && failurePercentage === undefined
      ? DEFAULT_OUTLIER_DETECTION.consecutiveFailures
      : undefined;
  const consecutiveFailures = fields.wholeNumber('consecutiveFailures', 1, MAX_UINT32) ?? fallback;
  return {
    intervalMs: fields.durationMs('interval', 1) ?? DEFAULT_OUTLIER_DETECTION.intervalMs,
    baseEjectionMs: fields.durationMs('baseEjectionTime', 0) ?? DEFAULT_OUTLIER_DETECTION.baseEjectionMs,
    maxEjectionMs: fields.durationMs('maxEjectionTime', 0) ?? DEFAULT_OUTLIER_DETECTION.maxEjectionMs,
    maxEjectionPercent:
      fields.wholeNumber('maxEjectionPercent', 0, 100) ?? DEFAULT_OUTLIER_DETECTION.maxEjectionPercent,
    ...(consecutiveFailures !== undefined && { consecutiveFailures }),
    ...(successRate && {
      successRate: {
        ...parseRate(successRate, 100),
        stdevFactor: successRate.wholeNumber('stdevFactor', 0, MAX_UINT32) ?? DEFAULT_STDEV_FACTOR,
      },
    }),
    ...(failurePercentage && {
      failurePercentage: {
        ...parseRate(failurePercentage, 50),
        threshold: failurePercentage.wholeNumber('threshold', 0, 100) ?? DEFAULT_THRESHOLD,
      },
    }),
  };
}

function parseRate(fields: JsonFields, requestVolume: number): RateEjection {
  return {
    enforcementPercentage: fields.wholeNumber('enforcementPercentage', 0, 100) ?? 100,
    minimumHosts: fields.wholeNumber('minimumHosts', 0, MAX_UINT32) ?? 5,
    requestVolume: fields.wholeNumber('requestVolume', 0, MAX_UINT32) ?? requestVolume,
  };
}

/** The inverse of `parseOutlierDetection`. */
export function renderOutlierDetection(options: OutlierDetectionOptions): Readonly<Record<string, unknown>> {
  const { intervalMs, baseEjectionMs, maxEjectionMs, maxEjectionPercent, consecutiveFailures } = options;
  return {
    interval: `${intervalMs / 1000}s`,
    baseEjectionTime: `${baseEjectionMs / 1000}s`,
    maxEjectionTime: `${maxEjectionMs / 1000}s`,
    maxEjectionPercent,
    ...(consecutiveFailures !== undefined && { consecutiveFailures }),
    ...(options.successRate && { successRateEjection: options.successRate }),
    ...(options.failurePercentage && { failurePercentageEjection: options.failurePercentage }),
  };
}
