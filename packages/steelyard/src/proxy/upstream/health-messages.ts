/** grpc.health.v1.HealthCheckResponse.ServingStatus, at its number. */
const SERVING_STATUS = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;

/** A grpc.health.v1.HealthCheckRequest in its gRPC frame: not compressed, `service` as field 1. */
export function renderHealthRequest(service: string): Uint8Array {
  const name = Buffer.from(service, 'utf8');
  const message = name.length === 0 ? name : Buffer.concat([Uint8Array.of(0x0a), varint(name.length), name]);
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, 5);
  return frame;
}

/** What a HealthCheckResponse in its gRPC frame says; field 1, of which the last counts. */
export function parseServingStatus(frame: Uint8Array): string {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 5 || frame[0] !== 0 || view.getUint32(1) !== frame.length - 5) return 'no HealthCheckResponse';
  let status = 0;
  for (let at = 5; at < frame.length;) {
    // Status is all that the message has; a later version may add fields, and puts them behind it.
    if (frame[at] !== 0x08) break;
    const value = frame[at + 1];
    if (value === undefined || value >= 0x80) return 'no HealthCheckResponse';
    status = value;
    at += 2;
  }
  return SERVING_STATUS[status] ?? `status ${status}`;
}

function varint(value: number): Uint8Array {
  const octets: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) octets.push((rest & 0x7f) | 0x80);
  return Uint8Array.from([...octets, rest]);
}
