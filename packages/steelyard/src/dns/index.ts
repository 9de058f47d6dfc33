/** The cluster's DNS answers. */
export { startDnsServer } from './dns-server.ts';
export type { DnsServer, DnsServerOptions } from './dns-server.ts';
export { DnsListenError } from './dns-listen-error.ts';
export type { DnsListenErrorCode } from './dns-listen-error.ts';
