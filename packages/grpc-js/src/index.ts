/** Finding and balancing over the Pods of a Kubernetes Service, for `@grpc/grpc-js`. */
export { balance } from './balance/balance-report.ts';
export type { ChannelBalance, EndpointBalance } from './balance/balance-report.ts';
export type { Clock } from './clock.ts';
export type { ConnectionEvent, EndpointEvent, ResolutionEvent, WeightsEvent } from './events.ts';
export { callMetrics } from './metrics/call-metrics.ts';
export type { CallMetricsOptions } from './metrics/call-metrics.ts';
export { exportMetrics } from './metrics/export-metrics.ts';
export type { MeterLike } from './metrics/meter.ts';
export { serviceConfigFor } from './balance/policy-config.ts';
export type { BalancerPolicy, BalancerTraits, PolicyName } from './balance/policy-config.ts';
export { register } from './register.ts';
export type { RegisterOptions } from './register.ts';
