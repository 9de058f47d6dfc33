/** Finding and balancing over the Pods of a Kubernetes Service, for `@grpc/grpc-js`. */
export { balance } from './balance-report.ts';
export type { ChannelBalance, EndpointBalance } from './balance-report.ts';
export type { Clock } from './clock.ts';
export type { EndpointEvent, ResolutionEvent } from './events.ts';
export { serviceConfigFor } from './policy-config.ts';
export type { BalancerPolicy, BalancerTraits, PolicyName } from './policy-config.ts';
export { register } from './register.ts';
export type { RegisterOptions } from './register.ts';
