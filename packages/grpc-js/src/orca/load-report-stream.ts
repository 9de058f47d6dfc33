import type { ClientReadableStream } from '@grpc/grpc-js';
import { Client, credentials, status } from '@grpc/grpc-js';
import type { LoadReport } from '@steelyard/core/balance';
import { parseLoadReport } from '@steelyard/core/balance';
import type { Clock } from '../clock.ts';
import type { Channel } from '../grpc-api.ts';

export interface LoadReportStreamOptions {
  /** How often the backend is to report. */
  readonly periodMs: number;
  readonly onReport: (report: LoadReport) => void;
  readonly clock: Clock;
}

const PATH = '/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics';
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 120_000;
const MAX_MESSAGE_BYTES = 2 ** 16;

/**
 * The load reports of one backend, out of band: a stream beside the calls, on their connection (gRFC A51). One that ends is opened
 * again after a pause that doubles; a backend that does not know of it is not asked again on this connection.
 */
export class LoadReportStream {
  readonly #options: LoadReportStreamOptions;
  readonly #client: Client;
  #call: ClientReadableStream<Uint8Array> | undefined;
  #failures = 0;
  #isClosed = false;
  #cancelRetry: () => void = () => undefined;

  /** @param channel of one connection */
  constructor(channel: Channel, options: LoadReportStreamOptions) {
    this.#options = options;
    this.#client = new Client('unused', credentials.createInsecure(), { channelOverride: channel });
    this.#open();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelRetry();
    this.#call?.cancel();
    this.#client.close();
  }

  #open(): void {
    const request = renderLoadReportRequest(this.#options.periodMs);
    const call = this.#client.makeServerStreamRequest<Buffer, Uint8Array>(PATH, same, same, request);
    this.#call = call;
    call.on('data', (bytes: Uint8Array) => {
      if (this.#isClosed || bytes.length > MAX_MESSAGE_BYTES) return;
      this.#failures = 0;
      const report = parseLoadReport(bytes);
      if (report !== undefined) this.#options.onReport(report);
    });
    call.on('error', () => undefined);
    call.on('status', ({ code }) => {
      if (this.#isClosed || code === status.UNIMPLEMENTED) return;
      const delayMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failures++, 20), MAX_RETRY_MS);
      this.#cancelRetry = this.#options.clock.setTimer(() => this.#open(), delayMs);
    });
  }
}

function same(bytes: Buffer): Buffer {
  return bytes;
}

/** `xds.service.orca.v3.OrcaLoadReportRequest`: its field 1, `report_interval`, a Duration of seconds (1) and nanoseconds (2). */
export function renderLoadReportRequest(periodMs: number): Buffer {
  const duration = [...field(1, Math.floor(periodMs / 1000)), ...field(2, Math.round((periodMs % 1000) * 1e6))];
  return Buffer.from([0x0a, duration.length, ...duration]);
}

/** A varint field; none where it is 0. */
function field(number: number, value: number): number[] {
  if (value === 0) return [];
  const bytes = [number << 3];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return bytes;
}
