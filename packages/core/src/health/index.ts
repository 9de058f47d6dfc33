export { type AttemptEnd, type AttemptOutcome, isFailure, outcomeOf } from './attempt-outcome.ts';
export { FailureRuns, type RunLimits } from './failure-runs.ts';
export { FailureShare } from './failure-share.ts';
export {
  DEFAULT_OUTLIER_DETECTION,
  EndpointHealth,
  type OutlierDetectionOptions,
  OutlierDetector,
  type RateEjection,
} from './outlier-detection.ts';
export { ProbeState } from './probe-state.ts';
