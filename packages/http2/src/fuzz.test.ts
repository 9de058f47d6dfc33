// Structure-aware fuzzing. By itself a fixed number of cases; `npm run fuzz -- --minutes N` runs on from FUZZ_SEED.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CALL,
  concat,
  ConnectionSubject,
  fuzzRun,
  GRPC_OK,
  MemoryWatch,
  OK,
  parseRawFrames,
  type Pick,
  PREFACE,
  randomOf,
  someBlock,
  someFrame,
} from '@steelyard/testkit';
import { ConnectionError, ErrorCode } from './error-code.ts';
import { Decoder } from './hpack/decoder.ts';
import { Encoder } from './hpack/encoder.ts';
import { FieldCache } from './hpack/field-cache.ts';
import { HeaderBlock } from './hpack/header-block.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { BufferPool, Output } from './output.ts';

const CASES = 400;
const { minutes, firstSeed } = fuzzRun();

/** Runs cases from the first seed on: so many, or so long. A failure names its seed. */
function fuzz(name: string, run: (seed: number) => void): void {
  test(name, (t) => {
    const end = performance.now() + minutes * 60_000;
    const memory = new MemoryWatch();
    let seed = firstSeed;
    for (; seed < firstSeed + CASES || performance.now() < end; seed++) {
      try {
        run(seed);
      } catch (error) {
        throw new Error(`FUZZ_SEED=${seed}`, { cause: error });
      }
    }
    const grown = memory.grown();
    assert.ok(grown < 200 * 1024 * 1024, `memory grew by ${grown} octets over ${seed - firstSeed} cases`);
    t.diagnostic(`${seed - firstSeed} cases`);
  });
}

/** Random commands on streams the handler knows, as a careless owner might give them. */
function command(subject: ConnectionSubject, pick: Pick): void {
  const { connection } = subject;
  if (pick(4) === 0 && connection.canOpen && subject.role === 'client') {
    const stream = connection.request(CALL, pick(2) === 0, 'fuzz');
    subject.streams.set(stream.id, stream);
    return;
  }
  const ids = [...subject.streams.keys()];
  const stream = subject.streams.get(ids[pick(ids.length)] ?? 0);
  if (stream === undefined) return;
  switch (pick(6)) {
    case 0:
      connection.sendHeaders(stream, OK, pick(4) === 0);
      return;
    case 1:
      connection.sendData(stream, new Uint8Array(pick(40_000)), 0, pick(2) === 0 ? 0 : 100, pick(4) === 0);
      return;
    case 2:
      connection.sendTrailers(stream, GRPC_OK);
      return;
    case 3:
      connection.reset(stream, ErrorCode.CANCEL);
      return;
    case 4:
      connection.setWritable(pick(3) > 0);
      return;
    default:
      if (pick(30) === 0) connection.drain();
      subject.now += pick(3000);
      connection.tick(subject.now);
  }
}

/** What must hold of a connection whatever has come in. */
function check(subject: ConnectionSubject): void {
  const { connection } = subject;
  assert.ok(connection.streamCount <= DEFAULT_LIMITS.maxConcurrentStreams);
  assert.ok(connection.heldLength >= connection.queuedLength);
  assert.ok(connection.queuedLength >= 0 && connection.queuedLength <= DEFAULT_LIMITS.maxQueuedLength);
  // What goes out is whole frames, none larger than anybody may send.
  const raw = subject.raw();
  const greeting =
    subject.role === 'client' && raw.length >= PREFACE.length && raw[0] === PREFACE[0] && raw[1] === PREFACE[1];
  for (const frame of parseRawFrames(greeting ? raw.subarray(PREFACE.length) : raw)) {
    assert.ok(frame.type <= 9);
  }
  const errors = subject.told.filter((line) => line.startsWith('error'));
  assert.ok(errors.length <= 1);
  if (errors.length === 1) assert.equal(connection.streamCount, 0);
}

for (const role of ['server', 'client'] as const) {
  fuzz(`a ${role} survives any frames and any commands`, (seed) => {
    const pick = randomOf(seed);
    const subject = new ConnectionSubject(role);
    for (let step = pick(60); step >= 0; step--) {
      const octets = concat(...Array.from({ length: 1 + pick(4) }, () => someFrame(pick)));
      const cut = pick(octets.length + 1);
      subject.receive(octets.slice(0, cut));
      command(subject, pick);
      subject.receive(octets.slice(cut));
      check(subject);
    }
    subject.connection.abandon('the case is over');
    assert.equal(subject.connection.streamCount, 0);
    assert.equal(subject.connection.heldLength, 0);
    for (const stream of subject.streams.values()) assert.equal(stream.closed, true);
  });
}

fuzz('header blocks decode, or fail as they should; what decodes goes through a second table unharmed', (seed) => {
  const pick = randomOf(seed);
  const decoder = new Decoder(new FieldCache(64));
  const encoder = new Encoder();
  const again = new Decoder(new FieldCache(64));
  for (let step = 0; step < 40; step++) {
    const bytes = Uint8Array.from(someBlock(pick));
    const block = new HeaderBlock(65_536, 100);
    block.begin('trailers');
    try {
      decoder.decode(bytes, 0, bytes.length, block);
    } catch (error) {
      assert.ok(error instanceof ConnectionError, String(error));
      return;
    }
    const out = new Output(new BufferPool());
    encoder.encode(block.fields, block.count, out);
    const second = new HeaderBlock(1_000_000, 1000);
    second.begin('trailers');
    again.decode(out.buffer, 0, out.length, second);
    assert.equal(second.count, block.count);
    for (let i = 0; i < block.count; i++) {
      assert.equal(second.fields[i]?.name.text, block.fields[i]?.name.text);
      assert.equal(second.fields[i]?.text, block.fields[i]?.text);
    }
  }
});
