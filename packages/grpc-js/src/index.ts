/** Load balancing policies for `@grpc/grpc-js`. */
export { register } from './register.ts';
export type { RegisterOptions } from './register.ts';
export { serviceConfigFor } from './policy-config.ts';
export type { PolicyName } from './policy-config.ts';
