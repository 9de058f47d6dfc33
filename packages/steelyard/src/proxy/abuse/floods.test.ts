// docs/limits.md: each flood ends its own connection, memory stays bounded, and calls of others go on meanwhile.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Limits } from '@steelyard/http2';
import { concat, echo, FLAG, FRAME, literalBlock, MemoryWatch, rawFrame, setting, uint32 } from '@steelyard/testkit';
import { startBed } from '../end-to-end/proxy.test-bed.ts';
import { Attacker, openRequest, REQUEST_FIELDS } from './attacker.test-bed.ts';

const { CONTINUATION, DATA, GOAWAY, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE } = FRAME;
const { END_HEADERS, END_STREAM } = FLAG;
const FLOW_CONTROL_ERROR = 3;
const ENHANCE_YOUR_CALM = 11;
const MIB = 1024 * 1024;

/** How much the whole process, callers and pods included, may grow by. */
const CEILING = 24 * MIB;

const block = literalBlock(REQUEST_FIELDS);
const noReset = (id: number): Uint8Array => openRequest(id, 0);

const RESETS = 'too many reset streams';
const CRUMBS = 'too many DATA frames of next to nothing';
const EMPTY = 'too many DATA frames without content';

interface Flood {
  readonly name: string;
  readonly piece: (turn: number) => Uint8Array;
  /** Of the GOAWAY at the end. */
  readonly code?: number;
  /** Its words: which limit has answered. */
  readonly says: string;
  readonly limits?: Partial<Limits>;
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
    says: RESETS,
    piece: streams((id) => concat(openRequest(id), rawFrame(RST_STREAM, 0, id, uint32(8)))),
  },
  {
    name: 'MadeYouReset by WINDOW_UPDATE of 0 (CVE-2025-8671)',
    says: RESETS,
    piece: streams((id) => concat(openRequest(id), rawFrame(WINDOW_UPDATE, 0, id, uint32(0)))),
    reachesPods: true,
  },
  {
    name: 'MadeYouReset by a window beyond 2^31 - 1',
    says: RESETS,
    piece: streams((id) => concat(openRequest(id), rawFrame(WINDOW_UPDATE, 0, id, uint32(0x7fffffff)))),
    reachesPods: true,
  },
  {
    name: 'MadeYouReset by DATA after END_STREAM',
    says: RESETS,
    piece: streams((id) => concat(openRequest(id), rawFrame(DATA, 0, id, [1, 2, 3, 4, 5, 6]))),
    reachesPods: true,
  },
  {
    name: 'MadeYouReset by PRIORITY of a wrong length',
    says: RESETS,
    piece: streams((id) => concat(openRequest(id), rawFrame(PRIORITY, 0, id, [1]))),
    reachesPods: true,
  },
  {
    name: 'MadeYouReset by a stream that depends on itself',
    says: RESETS,
    piece: streams((id) => rawFrame(HEADERS, END_HEADERS | FLAG.PRIORITY, id, [...uint32(id), 1, ...block])),
  },
  {
    name: 'fields without names (CVE-2019-9516)',
    says: RESETS,
    piece: streams((id) => rawFrame(HEADERS, END_HEADERS, id, [...block, 0, 0, 0])),
  },
  {
    name: 'SETTINGS (CVE-2019-9515)',
    says: 'too many SETTINGS frames',
    piece: () => fifty(rawFrame(SETTINGS, 0, 0, setting(4, 65_535))),
  },
  {
    name: 'PING (CVE-2019-9512)',
    piece: () => rawFrame(PING, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]),
    // Three PINGs too soon after one another, long before the budget of oddities is used up.
    says: 'too_many_pings',
  },
  {
    name: 'PING where callers may send as many as they like',
    piece: () => fifty(rawFrame(PING, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8])),
    limits: { minPingIntervalMs: 0 },
    says: 'too many PING frames',
  },
  {
    name: 'PRIORITY (CVE-2019-9513)',
    says: 'too many PRIORITY frames',
    piece: () => fifty(rawFrame(PRIORITY, 0, 101, [...uint32(0), 1])),
  },
  {
    name: 'WINDOW_UPDATE',
    says: 'too many WINDOW_UPDATE frames',
    piece: () => fifty(rawFrame(WINDOW_UPDATE, 0, 0, uint32(1))),
  },
  {
    name: 'frames of unknown types',
    says: 'too many frames of unknown types',
    piece: () => fifty(rawFrame(0x42, 0, 0, [1, 2, 3])),
  },
  {
    name: 'empty DATA (CVE-2019-9518)',
    says: EMPTY,
    piece: onOneStream(rawFrame(DATA, 0, 1)),
    reachesPods: true,
  },
  { name: 'DATA of one octet', says: CRUMBS, piece: onOneStream(rawFrame(DATA, 0, 1, [1])), reachesPods: true },
  {
    name: 'DATA of nothing but padding',
    says: EMPTY,
    piece: onOneStream(rawFrame(DATA, FLAG.PADDED, 1, [3, 0, 0, 0])),
    reachesPods: true,
  },
  {
    name: 'DATA of nothing but much padding',
    says: EMPTY,
    piece: onOneStream(rawFrame(DATA, FLAG.PADDED, 1, [200, ...new Uint8Array(200)])),
    reachesPods: true,
  },
  {
    name: 'acknowledgements of SETTINGS that were not sent',
    says: 'too many acknowledgements',
    piece: onOneStream(rawFrame(SETTINGS, FLAG.ACK, 0)),
    reachesPods: true,
  },
  {
    name: 'answers to PINGs that were not sent',
    says: 'too many acknowledgements',
    piece: onOneStream(rawFrame(PING, FLAG.ACK, 0, [1, 2, 3, 4, 5, 6, 7, 8])),
    reachesPods: true,
  },
  {
    name: 'GOAWAY',
    says: 'too many GOAWAY frames',
    piece: onOneStream(rawFrame(GOAWAY, 0, 0, [...uint32(0), ...uint32(0)])),
    reachesPods: true,
  },
  {
    name: 'RST_STREAM on a stream that has ended',
    says: 'too many frames of streams that have ended',
    piece: onOneStream(rawFrame(RST_STREAM, 0, 1, uint32(8))),
    reachesPods: true,
  },
  {
    name: 'CONTINUATION without end (CVE-2024-27316)',
    says: 'a header block in more than 8 frames',
    piece: (turn) => (turn === 0 ? rawFrame(HEADERS, 0, 1, block) : rawFrame(CONTINUATION, 0, 1, [0, 1, 120, 0])),
  },
  {
    name: 'empty CONTINUATION',
    says: 'a header block in more than 8 frames',
    piece: (turn) => (turn === 0 ? rawFrame(HEADERS, 0, 1, block) : rawFrame(CONTINUATION, 0, 1)),
  },
  {
    name: 'a few empty CONTINUATION in each header',
    says: 'too many empty CONTINUATION frames',
    piece: streams((id) =>
      concat(
        rawFrame(HEADERS, END_STREAM, id, block),
        ...[0, 0, 0, END_HEADERS].map((flags) => rawFrame(CONTINUATION, flags, id)),
      ),
    ),
    reachesPods: true,
  },
  {
    name: 'HPACK bomb (CVE-2016-6581)',
    says: 'a header list far beyond the limit',
    // One entry of 4 KB, then a hundred references to it.
    piece: (turn) => {
      const entry = [0x40, 1, 0x78, 0x7f, 0x89, 0x1e, ...Array.from({ length: 3976 }, () => 0x79)];
      const bomb = [...entry, ...Array.from({ length: 100 }, () => 0xbe)];
      return rawFrame(HEADERS, END_HEADERS | END_STREAM, turn * 2 + 1, [...block, ...bomb]);
    },
  },
  {
    name: 'the window of the connection beyond 2^31 - 1 (CVE-2026-21714)',
    says: 'the window of the connection passes 2^31 - 1',
    piece: () => rawFrame(WINDOW_UPDATE, 0, 0, uint32(0x7fffffff)),
    code: FLOW_CONTROL_ERROR,
  },
];

describe('a flood ends its own connection and nothing else', () => {
  for (const { name, piece, code = ENHANCE_YOUR_CALM, says, limits = {}, reachesPods = false } of floods) {
    test(name, async () => {
      const { proxy, caller, pods } = await startBed(1, echo, {}, 'RANDOM', {}, { limits });
      await caller.call('warm');
      const memory = new MemoryWatch();
      const attacker = new Attacker(proxy.address.port);
      let over = false;
      const flooded = attacker.flood(piece, 5000).finally(() => (over = true));
      let calls = 0;
      for (; !over || calls < 20; calls++) {
        assert.equal((await caller.call('x')).trailers['grpc-status'], '0');
        if (calls % 50 === 0) memory.grown();
      }
      assert.equal(await flooded, code);
      assert.equal(attacker.lastWords(), says);
      if (!reachesPods) assert.equal(pods[0]?.calls, calls + 1, 'no request of the flood reached the pod');
      const grown = memory.grown();
      assert.ok(grown < CEILING, `memory grew by ${grown} octets`);
    });
  }
});
