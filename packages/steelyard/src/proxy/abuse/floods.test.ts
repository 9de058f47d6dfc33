// docs/limits.md: each flood ends its own connection, memory stays bounded, and calls of others go on meanwhile.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concat, FLAG, FRAME, literalBlock, rawFrame, setting, uint32 } from '@steelyard/testkit';
import { startBed } from '../end-to-end/proxy.test-bed.ts';
import { Attacker, openRequest, REQUEST_FIELDS } from './attacker.test-bed.ts';

const { CONTINUATION, DATA, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE } = FRAME;
const { END_HEADERS, END_STREAM } = FLAG;
const FLOW_CONTROL_ERROR = 3;
const ENHANCE_YOUR_CALM = 11;
const MIB = 1024 * 1024;

/** How much the whole process, callers and pods included, may grow by. */
const CEILING = 128 * MIB;

const block = literalBlock(REQUEST_FIELDS);
const noReset = (id: number): Uint8Array => openRequest(id, 0);

interface Flood {
  readonly name: string;
  readonly piece: (turn: number) => Uint8Array;
  /** Of the GOAWAY at the end. */
  readonly code?: number;
  /** Requests of it may reach a pod. */
  readonly reachesPods?: boolean;
}

/** Twenty times the same, each on a stream of its own. */
function streams(make: (id: number) => Uint8Array): (turn: number) => Uint8Array {
  return (turn) => concat(...Array.from({ length: 20 }, (_, i) => make((turn * 20 + i) * 2 + 1)));
}

function fifty(frame: Uint8Array): Uint8Array {
  return concat(...Array.from({ length: 50 }, () => frame));
}

/** The first turn opens a stream, all others send this on it. */
function onOneStream(frame: Uint8Array): (turn: number) => Uint8Array {
  return (turn) => (turn === 0 ? noReset(1) : fifty(frame));
}

const floods: readonly Flood[] = [
  {
    name: 'rapid reset (CVE-2023-44487)',
    piece: streams((id) => concat(openRequest(id), rawFrame(RST_STREAM, 0, id, uint32(8)))),
  },
  {
    name: 'MadeYouReset by WINDOW_UPDATE of 0 (CVE-2025-8671)',
    piece: streams((id) => concat(openRequest(id), rawFrame(WINDOW_UPDATE, 0, id, uint32(0)))),
    reachesPods: true,
  },
  {
    name: 'MadeYouReset by a window beyond 2^31 - 1',
    piece: streams((id) => concat(openRequest(id), rawFrame(WINDOW_UPDATE, 0, id, uint32(0x7fffffff)))),
    reachesPods: true,
  },
  {
    name: 'MadeYouReset by DATA after END_STREAM',
    piece: streams((id) => concat(openRequest(id), rawFrame(DATA, 0, id, [1, 2, 3, 4, 5, 6]))),
    reachesPods: true,
  },
  {
    name: 'MadeYouReset by PRIORITY of a wrong length',
    piece: streams((id) => concat(openRequest(id), rawFrame(PRIORITY, 0, id, [1]))),
    reachesPods: true,
  },
  {
    name: 'MadeYouReset by a stream that depends on itself',
    piece: streams((id) => rawFrame(HEADERS, END_HEADERS | FLAG.PRIORITY, id, [...uint32(id), 1, ...block])),
  },
  {
    name: 'fields without names (CVE-2019-9516)',
    piece: streams((id) => rawFrame(HEADERS, END_HEADERS, id, [...block, 0, 0, 0])),
  },
  { name: 'SETTINGS (CVE-2019-9515)', piece: () => fifty(rawFrame(SETTINGS, 0, 0, setting(4, 65_535))) },
  { name: 'PING (CVE-2019-9512)', piece: () => rawFrame(PING, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]) },
  { name: 'PRIORITY (CVE-2019-9513)', piece: () => fifty(rawFrame(PRIORITY, 0, 101, [...uint32(0), 1])) },
  { name: 'WINDOW_UPDATE', piece: () => fifty(rawFrame(WINDOW_UPDATE, 0, 0, uint32(1))) },
  { name: 'frames of unknown types', piece: () => fifty(rawFrame(0x42, 0, 0, [1, 2, 3])) },
  {
    name: 'empty DATA (CVE-2019-9518)',
    piece: onOneStream(rawFrame(DATA, 0, 1)),
    reachesPods: true,
  },
  { name: 'DATA of one octet', piece: onOneStream(rawFrame(DATA, 0, 1, [1])), reachesPods: true },
  {
    name: 'DATA of nothing but padding',
    piece: onOneStream(rawFrame(DATA, FLAG.PADDED, 1, [3, 0, 0, 0])),
    reachesPods: true,
  },
  {
    name: 'CONTINUATION without end (CVE-2024-27316)',
    piece: (turn) => (turn === 0 ? rawFrame(HEADERS, 0, 1, block) : rawFrame(CONTINUATION, 0, 1, [0, 1, 120, 0])),
  },
  {
    name: 'empty CONTINUATION',
    piece: (turn) => (turn === 0 ? rawFrame(HEADERS, 0, 1, block) : rawFrame(CONTINUATION, 0, 1)),
  },
  {
    name: 'HPACK bomb (CVE-2016-6581)',
    // One entry of 4 KB, then a hundred references to it.
    piece: (turn) => {
      const entry = [0x40, 1, 0x78, 0x7f, 0x89, 0x1e, ...Array.from({ length: 3976 }, () => 0x79)];
      const bomb = [...entry, ...Array.from({ length: 100 }, () => 0xbe)];
      return rawFrame(HEADERS, END_HEADERS | END_STREAM, turn * 2 + 1, [...block, ...bomb]);
    },
  },
  {
    name: 'the window of the connection beyond 2^31 - 1 (CVE-2026-21714)',
    piece: () => rawFrame(WINDOW_UPDATE, 0, 0, uint32(0x7fffffff)),
    code: FLOW_CONTROL_ERROR,
  },
];

describe('a flood ends its own connection and nothing else', () => {
  for (const { name, piece, code = ENHANCE_YOUR_CALM, reachesPods = false } of floods) {
    test(name, async () => {
      const { proxy, caller, pods } = await startBed(1);
      await caller.call('warm');
      const memoryBefore = process.memoryUsage().rss;
      const attacker = new Attacker(proxy.address.port);
      let over = false;
      const flooded = attacker.flood(piece, 5000).finally(() => (over = true));
      let calls = 0;
      for (; !over || calls < 20; calls++) assert.equal((await caller.call('x')).trailers['grpc-status'], '0');
      assert.equal(await flooded, code);
      if (!reachesPods) assert.equal(pods[0]?.calls, calls + 1, 'no request of the flood reached the pod');
      const grown = process.memoryUsage().rss - memoryBefore;
      assert.ok(grown < CEILING, `memory grew by ${grown} octets`);
    });
  }
});
