/** The cluster's DNS answers. */
export { startDnsServer } from './server/dns-server.ts';
export type { DnsServer, DnsServerOptions } from './server/dns-server.ts';
export { DnsListenError } from './server/dns-listen-error.ts';
export type { DnsListenErrorCode } from './server/dns-listen-error.ts';
export type { ForwardOptions } from './forward/forwarder.ts';
export { parseResolvConf } from './forward/resolv-conf.ts';
