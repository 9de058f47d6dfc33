import type { LoadReport } from './backend-weight.ts';

/** The trailer that carries an `xds.data.orca.v3.OrcaLoadReport` (gRFC A51). */
export const LOAD_REPORT_TRAILER = 'endpoint-load-metrics-bin';

/** Field numbers of OrcaLoadReport, all of them doubles. */
const CPU_UTILIZATION = 1;
const RPS_FRACTIONAL = 6;
const EPS = 7;
const APPLICATION_UTILIZATION = 9;

/**
 * Reads what weights are made of; fields of no use here are passed over. The application's utilization goes before the
 * CPU's (gRFC A58).
 *
 * @returns `undefined` for bytes that are no protobuf message
 */
export function parseLoadReport(bytes: Uint8Array): LoadReport | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const doubles = new Map<number, number>();
  let at = 0;
  while (at < bytes.length) {
    const tag = readVarint(bytes, at);
    if (tag === undefined) return undefined;
    const field = Math.floor(tag.value / 8);
    const end = endOfField(bytes, tag.end, tag.value % 8);
    if (field === 0 || end === undefined || end > bytes.length) return undefined;
    if (tag.value % 8 === 1) doubles.set(field, view.getFloat64(tag.end, true));
    at = end;
  }
  const application = doubles.get(APPLICATION_UTILIZATION) ?? 0;
  return {
    requestsPerSecond: doubles.get(RPS_FRACTIONAL) ?? 0,
    errorsPerSecond: doubles.get(EPS) ?? 0,
    utilization: application > 0 ? application : (doubles.get(CPU_UTILIZATION) ?? 0),
  };
}

/** Where a field's value ends, by its wire type; `undefined` for groups and what does not exist. */
function endOfField(bytes: Uint8Array, start: number, wireType: number): number | undefined {
  switch (wireType) {
    case 0:
      return readVarint(bytes, start)?.end;
    case 1:
      return start + 8;
    case 2: {
      const length = readVarint(bytes, start);
      return length && length.end + length.value;
    }
    case 5:
      return start + 4;
    default:
      return undefined;
  }
}

function readVarint(bytes: Uint8Array, start: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let at = start; at < start + 10; at++) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * (at - start));
    if (byte < 0x80) return { value, end: at + 1 };
  }
  return undefined;
}
