import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KIND, MESSAGE_LENGTH, PATTERN, writeMessage, writePrefix } from '../calls/message.ts';
import { ReplyCheck } from './reply-check.ts';

const SIZE = 1000;

function reply(size = SIZE, nonce = 7): Buffer {
  const bytes = Buffer.alloc(5 + size);
  writeMessage(bytes, 0, KIND.unary, size, nonce);
  writePrefix(bytes, 0, size);
  PATTERN.copy(bytes, MESSAGE_LENGTH, 0, size - 12);
  return bytes;
}

/** What is said of a reply that comes in pieces of `step` octets. */
function verdict(bytes: Buffer, step: number, trailers: readonly (readonly [string, string])[]): string | undefined {
  const check = new ReplyCheck();
  check.begin(1, 7, SIZE, 0);
  for (let at = 0; at < bytes.length; at += step) {
    const wrong = check.data(bytes, at, Math.min(at + step, bytes.length));
    if (wrong !== undefined) return wrong;
  }
  return check.trailers(trailers);
}

describe('the check of a reply', () => {
  const ok = [['grpc-status', '0']] as const;
  const shifted = reply();
  shifted.copyWithin(MESSAGE_LENGTH, MESSAGE_LENGTH + 1);
  const cases: readonly (readonly [
    name: string,
    bytes: Buffer,
    trailers: typeof ok | [['grpc-status', '13']],
    says: RegExp | undefined,
  ])[] = [
    ['the right one', reply(), ok, undefined],
    ['one of another call', reply(SIZE, 8), ok, /another call/],
    ['one of another length', reply(SIZE + 1), ok, /its length/],
    ['one with other octets', shifted, ok, /its octets/],
    ['one that is cut off', reply().subarray(0, 900), ok, /900 bytes of message, expected 1005/],
    ['one that failed', reply(), [['grpc-status', '13']], /grpc-status: 13/],
  ];
  for (const [name, bytes, trailers, says] of cases) {
    for (const step of [1, 16, 17, 18, 300, 5000]) {
      it(`sees ${name} in pieces of ${step}`, () => {
        const found = verdict(bytes, step, trailers);
        if (says === undefined) assert.equal(found, undefined);
        else assert.match(found ?? '', says);
      });
    }
  }
});
