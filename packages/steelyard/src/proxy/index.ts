export { type Admin, type AdminOptions, type AdminSubject, startAdmin } from './admin-server.ts';
export { type Proxy, type ProxyOptions, startProxy } from './proxy.ts';
export { startWorkers, WorkerError, type WorkersOptions } from './workers-pool.ts';
