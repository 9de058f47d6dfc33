import { Metadata, type Client } from '@grpc/grpc-js';
import { messages } from '../interop/pattern.ts';
import { COMMAND, METHODS } from '../interop/service.ts';

export const MESSAGE_BYTES = 65_536;

/** Streams `count` messages to the backend, no faster than they are taken; returns how many bytes it got. */
export function upload(client: Client, count: number): Promise<number> {
  const { path, requestSerialize, responseDeserialize } = METHODS['client-stream'];
  return new Promise((resolve, reject) => {
    const call = client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      command('drain'),
      (error, reply) => {
        if (error !== null || reply === undefined) reject(error ?? new Error('no reply'));
        else resolve(Number(reply.toString()));
      },
    );
    let sent = 0;
    const more = (): void => {
      while (sent < count) {
        const [message] = messages([MESSAGE_BYTES], sent++ * MESSAGE_BYTES);
        if (!call.write(message ?? Buffer.alloc(0))) {
          call.once('drain', more);
          return;
        }
      }
      call.end();
    };
    more();
  });
}

/** Receives `count` messages, with a pause in between; returns how many bytes came, none of them wrong. */
export function download(client: Client, count: number, stallMs = 0): Promise<number> {
  const { path, requestSerialize, responseDeserialize } = METHODS['server-stream'];
  const request = Buffer.alloc(8);
  request.writeUInt32BE(count, 0);
  request.writeUInt32BE(MESSAGE_BYTES, 4);
  return new Promise((resolve, reject) => {
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, command('pour'));
    let bytes = 0;
    let received = 0;
    let stalled = false;
    call.on('data', (message: Buffer) => {
      const [expected] = messages([MESSAGE_BYTES], received++ * MESSAGE_BYTES);
      if (expected?.equals(message) !== true) {
        call.cancel();
        reject(new Error(`message ${received} of the download came as other bytes`));
        return;
      }
      bytes += message.length;
      if (stallMs > 0 && !stalled && received * 10 > count) {
        stalled = true;
        call.pause();
        setTimeout(() => call.resume(), stallMs);
      }
    });
    call.on('error', reject);
    call.on('end', () => resolve(bytes));
  });
}

function command(name: string): Metadata {
  const metadata = new Metadata();
  metadata.set(COMMAND, name);
  return metadata;
}
