import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BlockReader } from './block-reader.ts';
import { replyBlocks } from '../calls/reply.ts';
import { FieldBlock } from './field-block.ts';
import { FRAME_HEADER } from './frame.ts';

const read = (reader: BlockReader, block: Buffer): [string, string][] =>
  reader.read(block, 0, block.length).map(([name, value]) => [name, value]);

describe('reading header blocks', () => {
  it('follows RFC 7541 C.6, Huffman strings and evictions included', () => {
    const reader = new BlockReader();
    read(reader, Buffer.from([0x3f, 0xe1, 0x01])); // table size 256, as the example has it
    const first = read(
      reader,
      Buffer.from(
        '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
        'hex',
      ),
    );
    assert.deepEqual(first, [
      [':status', '302'],
      ['cache-control', 'private'],
      ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
      ['location', 'https://www.example.com'],
    ]);
    const second = read(reader, Buffer.from('4883640effc1c0bf', 'hex'));
    assert.deepEqual(second, [[':status', '307'], ...first.slice(1)]);
  });

  it('does not remember a block across a change of the table', () => {
    const reader = new BlockReader();
    const newest = new FieldBlock().indexed(62).toBuffer();
    for (const value of ['0', '13', '14']) {
      read(reader, new FieldBlock().remembered('grpc-status', value).toBuffer());
      assert.deepEqual(read(reader, newest), [['grpc-status', value]]);
      assert.deepEqual(read(reader, newest), [['grpc-status', value]]);
    }
  });

  it('refuses an index beyond the table', () => {
    assert.throws(() => read(new BlockReader(), new FieldBlock().indexed(62).toBuffer()), /no entry 62/);
  });

  it('reads what the backend of the benchmark writes', () => {
    const reader = new BlockReader();
    for (const table of ['fill', 'use', 'use', 'none'] as const) {
      const { headers, trailers } = replyBlocks(table, 0);
      assert.deepEqual(read(reader, headers.subarray(FRAME_HEADER))[0], [':status', '200']);
      assert.deepEqual(read(reader, trailers.subarray(FRAME_HEADER)), [['grpc-status', '0']]);
    }
  });
});
