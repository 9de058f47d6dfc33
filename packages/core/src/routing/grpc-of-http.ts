const UNKNOWN = 2;

/** grpc/doc/http-grpc-status-mapping.md */
const GRPC_OF_HTTP: ReadonlyMap<number, number> = new Map([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [502, 14],
  [503, 14],
  [504, 14],
]);

/** What a gRPC caller makes of an HTTP status that comes without one of gRPC. */
export function grpcOfHttp(status: number): number {
  return GRPC_OF_HTTP.get(status) ?? UNKNOWN;
}
