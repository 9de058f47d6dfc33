export { type Admin, type AdminOptions, type AdminSubject, startAdmin } from './admin-server.ts';
export { type Proxy, type ProxyOptions, startProxy } from './proxy.ts';
export { WorkerError } from './workers-pool.ts';
export type { AccessLogSelection } from './access-log.ts';
export { type AccessLogSink, createDescriptorSink, openFileSink } from './access-log-sink.ts';
