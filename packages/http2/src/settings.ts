import { ConnectionError, ErrorCode } from './error-code.ts';
import {
  DEFAULT_MAX_FRAME_SIZE,
  DEFAULT_WINDOW,
  Flag,
  FrameType,
  LARGEST_MAX_FRAME_SIZE,
  MAX_WINDOW,
  readUint16,
  readUint32,
  writeFrameHeader,
  writeUint32,
} from './frame.ts';
import { DEFAULT_TABLE_SIZE } from './hpack/decoder.ts';
import type { Output } from './output.ts';

/** RFC 9113 §6.5.2 */
const SettingId = {
  HEADER_TABLE_SIZE: 0x1,
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
  MAX_FRAME_SIZE: 0x5,
  MAX_HEADER_LIST_SIZE: 0x6,
} as const;

/** What one side told the other. Sizes in octets. */
export interface Settings {
  headerTableSize: number;
  maxConcurrentStreams: number;
  initialWindowSize: number;
  maxFrameSize: number;
  maxHeaderListSize: number;
}

/** A peer that has said nothing yet. How many streams it takes is unknown: RFC 9113 §6.5.2 recommends at least 100. */
export function initialPeerSettings(): Settings {
  return {
    headerTableSize: DEFAULT_TABLE_SIZE,
    maxConcurrentStreams: 100,
    initialWindowSize: DEFAULT_WINDOW,
    maxFrameSize: DEFAULT_MAX_FRAME_SIZE,
    maxHeaderListSize: Infinity,
  };
}

/** Reads a SETTINGS payload into `settings`. Throws a {@link ConnectionError} for values §6.5.2 forbids. */
export function readSettings(bytes: Uint8Array, start: number, end: number, settings: Settings): void {
  for (let at = start; at < end; at += 6) {
    const value = readUint32(bytes, at + 2);
    switch (readUint16(bytes, at)) {
      case SettingId.HEADER_TABLE_SIZE:
        settings.headerTableSize = value;
        break;
      case SettingId.ENABLE_PUSH:
        if (value > 1) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `SETTINGS: ENABLE_PUSH ${value}`);
        break;
      case SettingId.MAX_CONCURRENT_STREAMS:
        settings.maxConcurrentStreams = value;
        break;
      case SettingId.INITIAL_WINDOW_SIZE:
        if (value > MAX_WINDOW) {
          throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, `SETTINGS: INITIAL_WINDOW_SIZE ${value}`);
        }
        settings.initialWindowSize = value;
        break;
      case SettingId.MAX_FRAME_SIZE:
        if (value < DEFAULT_MAX_FRAME_SIZE || value > LARGEST_MAX_FRAME_SIZE) {
          throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `SETTINGS: MAX_FRAME_SIZE ${value}`);
        }
        settings.maxFrameSize = value;
        break;
      case SettingId.MAX_HEADER_LIST_SIZE:
        settings.maxHeaderListSize = value;
        break;
      default:
      // RFC 9113 §6.5.2: unknown settings are ignored.
    }
  }
}

/** Whether a SETTINGS payload says that its sender takes, or as a server makes, pushes. */
export function allowsPush(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 6) {
    if (readUint16(bytes, at) === SettingId.ENABLE_PUSH && readUint32(bytes, at + 2) === 1) return true;
  }
  return false;
}

/** Our side's SETTINGS. The table size stays at its default and is not repeated. */
export function writeSettings(out: Output, settings: Settings, role: 'server' | 'client'): void {
  const entries: [id: number, value: number][] = [
    [SettingId.INITIAL_WINDOW_SIZE, settings.initialWindowSize],
    [SettingId.MAX_HEADER_LIST_SIZE, settings.maxHeaderListSize],
  ];
  if (role === 'client') entries.push([SettingId.ENABLE_PUSH, 0]);
  else entries.push([SettingId.MAX_CONCURRENT_STREAMS, settings.maxConcurrentStreams]);
  writeFrameHeader(out, entries.length * 6, FrameType.SETTINGS, 0, 0);
  for (const [id, value] of entries) {
    out.buffer[out.length++] = id >>> 8;
    out.buffer[out.length++] = id;
    writeUint32(out, value);
  }
}

export function writeSettingsAck(out: Output): void {
  writeFrameHeader(out, 0, FrameType.SETTINGS, Flag.ACK, 0);
}
