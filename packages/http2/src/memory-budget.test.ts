import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ConnectionSubject,
  FLAG,
  FRAME,
  GRPC_OK,
  literalBlock,
  rawFrame,
  REQUEST,
  request,
  setting,
  uint32,
} from '@steelyard/testkit';
import { MemoryBudget } from './memory-budget.ts';

const { HEADERS, RST_STREAM, SETTINGS, WINDOW_UPDATE } = FRAME;
const { END_HEADERS, END_STREAM } = FLAG;

/** Two callers' connections of one process, none of which takes DATA. */
function stalledPair(limit: number): {
  readonly memory: MemoryBudget;
  readonly first: ConnectionSubject;
  readonly second: ConnectionSubject;
  readonly exceeded: () => number;
} {
  let exceeded = 0;
  const memory = new MemoryBudget(limit, () => exceeded++);
  const [first, second] = [0, 1].map(() => new ConnectionSubject('server', {}, 'greeted', memory));
  assert.ok(first && second);
  for (const subject of [first, second]) {
    subject.receive(rawFrame(SETTINGS, 0, 0, setting(4, 0)));
    subject.raw();
  }
  return { memory, first, second, exceeded: () => exceeded };
}

describe('the memory of all connections of a process', () => {
  test('what is held is counted, and given back however its stream ends', () => {
    const { memory, first } = stalledPair(1_000_000);
    const ends: readonly ((id: number) => void)[] = [
      (id) => first.receive(rawFrame(RST_STREAM, 0, id, uint32(8))),
      (id) => first.connection.reset(first.stream(id), 8),
      (id) => {
        first.connection.sendTrailers(first.stream(id), GRPC_OK);
        first.receive(rawFrame(WINDOW_UPDATE, 0, id, uint32(9999)));
      },
      () => first.connection.relieve('room is needed'),
      () => first.connection.abandon('gone'),
    ];
    for (const [i, end] of ends.entries()) {
      const id = 2 * i + 1;
      first.receive(request(id, END_STREAM));
      const open = memory.used;
      assert.ok(open > 1000, 'an open call is not for nothing');
      first.connection.sendData(first.stream(id), new Uint8Array(5000), 0, 5000, false);
      assert.equal(memory.used, open + 5000);
      assert.equal(first.connection.heldLength, memory.used);
      end(id);
      assert.equal(memory.used, 0, `way ${i} to end`);
      assert.equal(first.connection.heldLength, 0);
    }
  });

  test('each field of an open call counts with what it takes, not with what it says', () => {
    const { memory, first } = stalledPair(1_000_000);
    // One entry in the dynamic table, and 90 references of an octet each (CVE-2026-47774).
    first.receive(
      rawFrame(HEADERS, END_HEADERS, 1, [...REQUEST, 0x40, 1, 0x78, 0, ...Array.from({ length: 90 }, () => 0xbe)]),
    );
    assert.ok(memory.used > 91 * 96, `${memory.used} octets`);
  });

  test('pieces of frames and header blocks count with what has come, not with what is promised', () => {
    const { memory, first } = stalledPair(1_000_000);
    first.receive(rawFrame(HEADERS, END_HEADERS, 1, new Uint8Array(16_000)).subarray(0, 9));
    first.connection.tick(0);
    assert.ok(memory.used > 0 && memory.used <= 64, `${memory.used} octets for nine`);
    first.receive(new Uint8Array(15_000));
    first.connection.tick(0);
    assert.ok(memory.used >= 15_000 && memory.used < 32_000, `${memory.used} octets`);
    first.connection.abandon('gone');
    assert.equal(memory.used, 0);
  });

  test('beyond the limit new streams are refused on every connection, and taken again when there is room', () => {
    const { memory, first, second, exceeded } = stalledPair(20_000);
    first.receive(request(1, END_STREAM));
    second.receive(request(1, END_STREAM));
    assert.equal(exceeded(), 0);
    first.connection.sendData(first.stream(1), new Uint8Array(30_000), 0, 30_000, false);
    assert.equal(exceeded(), 1);
    second.raw();
    second.receive(request(3, END_STREAM));
    assert.deepEqual(second.said(), ['RST_STREAM 3 REFUSED_STREAM']);
    assert.equal(memory.refusedStreams, 1);
    assert.equal(second.stream(1).closed, false, 'what is under way goes on');
    first.connection.relieve('room is needed');
    assert.equal(first.told.at(-1), 'reset 1 ENHANCE_YOUR_CALM stalled');
    second.receive(request(5, END_STREAM));
    assert.match(second.told.at(-1) ?? '', /^headers 5 /);
  });

  test('refusals that are not the fault of a peer are not charged to it', () => {
    const { first, second } = stalledPair(20_000);
    first.receive(request(1, END_STREAM));
    first.connection.sendData(first.stream(1), new Uint8Array(30_000), 0, 30_000, false);
    for (let id = 1; id < 4000; id += 2) second.receive(request(id, END_STREAM));
    assert.equal(
      second.told.some((line) => line.startsWith('error')),
      false,
    );
  });

  test('relief takes the largest first, and half at most', () => {
    const { first } = stalledPair(1_000_000);
    first.receive(...[1, 3, 5].map((id) => request(id, END_STREAM)));
    for (const [id, length] of [
      [1, 1000],
      [3, 50_000],
      [5, 20_000],
    ] as const) {
      first.connection.sendData(first.stream(id), new Uint8Array(length), 0, length, false);
    }
    first.connection.relieve('room is needed');
    assert.deepEqual(
      [1, 3, 5].map((id) => first.stream(id).closed),
      [false, true, false],
    );
  });

  test('one connection may not hold its bound in headers of open calls either', () => {
    const server = new ConnectionSubject('server', { maxQueuedLength: 65_536 });
    const large = literalBlock([['x-large', 'y'.repeat(10_000)]]);
    for (let id = 1; id < 20; id += 2) server.receive(rawFrame(HEADERS, END_HEADERS, id, [...REQUEST, ...large]));
    assert.ok(server.connection.heldLength <= 65_536);
    assert.equal(server.connection.streamCount, 5);
    assert.deepEqual(server.said().at(-1), 'RST_STREAM 19 REFUSED_STREAM');
  });
});
