import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DATA, END_STREAM, frame, HEADERS, PING } from './frame.ts';
import { createFrameReader } from './frame-reader.ts';

const END_HEADERS = 4;
const PADDED = 8;
const PRIORITY = 0x20;
const wire = Buffer.concat([
  frame(HEADERS, END_HEADERS | PADDED | PRIORITY, 5, Buffer.from([2, 0, 0, 0, 0, 1, 65, 66, 0, 0])),
  frame(DATA, 0, 5, Buffer.from('hello ')),
  frame(DATA, END_STREAM, 5, Buffer.from('world')),
  frame(PING, 0, 0, Buffer.from('12345678')),
  frame(DATA, END_STREAM | PADDED, 7, Buffer.from([3, 88, 0, 0, 0])),
  frame(DATA, END_STREAM, 9, Buffer.alloc(0)),
]);

describe('cutting a byte stream into frames', () => {
  for (const step of [1, 3, 9, 10, 64, 1000]) {
    it(`gives whole frames, and DATA as it comes, in chunks of ${step} that are used again`, () => {
      const seen: string[] = [];
      const data = new Map<number, string>();
      const read = createFrameReader((type, flags, id, bytes, start, end) => {
        const text = bytes.toString('latin1', start, end);
        if (type === DATA) data.set(id, (data.get(id) ?? '') + text + (flags & END_STREAM ? '.' : ''));
        else seen.push(`${type} ${id} ${text}`);
      });
      const chunk = Buffer.alloc(step);
      for (let at = 0; at < wire.length; at += step) {
        const length = wire.copy(chunk, 0, at, at + step);
        read(chunk.subarray(0, length));
        chunk.fill(0xff);
      }
      assert.deepEqual(seen, [`${HEADERS} 5 AB`, `${PING} 0 12345678`]);
      assert.deepEqual(Object.fromEntries(data), { 5: 'hello world.', 7: 'X.', 9: '.' });
    });
  }
});
