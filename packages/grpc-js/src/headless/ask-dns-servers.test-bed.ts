// To be imported before grpc-js: it reads this once, and only with it asks a DNS server of choice itself, so that it can be
// compared with. A file of tests runs in a process of its own.
process.env['GRPC_NODE_USE_ALTERNATIVE_RESOLVER'] = 'true';

export const plainAsksDnsServers: boolean = true;
