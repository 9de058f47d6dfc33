import { fileURLToPath } from 'node:url';
import type { MethodDefinition, ServiceDefinition } from '@grpc/proto-loader';
import { loadSync } from '@grpc/proto-loader';

/** Also what a reader gives to grpcurl. */
export const ECHO_PROTO_PATH: string = fileURLToPath(new URL('../../../proto/echo.proto', import.meta.url));

export const ECHO_SERVICE_NAME = 'echo.Echo';

export interface SayRequest {
  readonly message: string;
}

export interface SayReply {
  readonly pod: string;
  readonly address: string;
  readonly message: string;
}

/** The Echo service of `proto/echo.proto`, as grpc-js wants it for `addService`. */
export function loadEchoDefinition(): ServiceDefinition {
  const definition = loadSync(ECHO_PROTO_PATH, { defaults: true })[ECHO_SERVICE_NAME];
  // Messages and enums carry `format`; a service is a plain record of methods.
  if (definition === undefined || isTypeDefinition(definition)) {
    throw new Error(`${ECHO_PROTO_PATH}: no service ${ECHO_SERVICE_NAME}`);
  }
  return definition;
}

export function echoMethod(definition: ServiceDefinition, name: string): MethodDefinition<object, object> {
  const method = definition[name];
  if (method === undefined) throw new Error(`${ECHO_PROTO_PATH}: no method ${name}`);
  return method;
}

/** The bytes come from a server that may be anybody's. */
export function parseSayReply(value: object): SayReply | undefined {
  if (!('pod' in value) || !('address' in value) || !('message' in value)) return undefined;
  const { pod, address, message } = value;
  if (typeof pod !== 'string' || typeof address !== 'string' || typeof message !== 'string') return undefined;
  return { pod, address, message };
}

function isTypeDefinition(value: ServiceDefinition | { format: string }): value is { format: string } {
  return typeof value['format'] === 'string';
}
