export {
  DEFAULT_OUTLIER_DETECTION,
  EndpointHealth,
  type OutlierDetectionOptions,
  OutlierDetector,
  type RateEjection,
} from './outlier-detection.ts';
