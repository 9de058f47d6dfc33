import type { GrpcUri } from '../grpc-api.ts';

/** Targets whose resolver is there. grpc-js asks for their authority again with each connection. */
const made = new WeakSet<object>();
let warned = false;

/**
 * grpc-js asks for the authority of a target first and makes the resolver right after, in one go. With `http_proxy`,
 * `https_proxy` or `grpc_proxy` in the environment it puts the proxy's name in the place of the target in between: no
 * resolver of ours is ever made, all calls go through the proxy, to one Pod, and nobody is told. Here somebody is.
 */
export function expectResolver(uri: GrpcUri): void {
  const { grpc_proxy: grpcProxy, https_proxy: httpsProxy, http_proxy: httpProxy } = process.env;
  if (warned || made.has(uri) || (grpcProxy ?? httpsProxy ?? httpProxy) === undefined) return;
  setImmediate(() => {
    if (warned || made.has(uri)) return;
    warned = true;
    const target = `${uri.scheme ?? ''}://${uri.authority ?? ''}/${uri.path}`;
    process.emitWarning(
      `${target} goes to the HTTP proxy of the environment and is not balanced; ` +
        "make the channel with the option 'grpc.enable_http_proxy': 0, or name the host in no_proxy",
      { code: 'STEELYARD_HTTP_PROXY', type: 'SteelyardWarning' },
    );
  });
}

/** The resolver for this target is there. */
export function resolverMade(uri: GrpcUri): void {
  made.add(uri);
}
