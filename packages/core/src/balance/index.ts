/** Which endpoint a call gets. */
export type { Balanced, Picker, Random } from './picker.ts';
export { createClusterPicker, shareOut } from './cluster-picker.ts';
export { createPicker } from './create-picker.ts';
export { hashText } from './hash.ts';
export { createSeededRandom } from './seeded-random.ts';
export { chiSquareTest } from './chi-square.ts';
export type { ChiSquareResult } from './chi-square.ts';
export { BackendWeight } from './backend-weight.ts';
export type { BackendWeightOptions, LoadReport } from './backend-weight.ts';
export { DEFAULT_LATENCY, LatencyEstimate } from './latency-estimate.ts';
export type { LatencyOptions } from './latency-estimate.ts';
export { healthyPool } from './healthy-pool.ts';
export { LOAD_REPORT_TRAILER, parseLoadReport } from './parse-load-report.ts';
export { hashOfEndpoint } from './passthrough.ts';
export { createPeakEwmaPicker } from './peak-ewma.ts';
export { createSlowStartPicker, DEFAULT_SLOW_START, MAX_DRAWS, slowStartShare } from './slow-start.ts';
export type { SlowStartOptions } from './slow-start.ts';
export { chooseSubset, narrowTo, subsetOf } from './subsetting.ts';
export {
  completeWeights,
  createWeightedRoundRobinPicker,
  DEFAULT_WEIGHTED_ROUND_ROBIN,
} from './weighted-round-robin.ts';
export type { WeightedRoundRobinOptions } from './weighted-round-robin.ts';
export { createZoneAwarePicker } from './zone-aware.ts';
// Health is a room of its own; it has no entry of its own in package.json yet.
