import { BufferPool, FieldCache } from '@steelyard/http2';
import { FlushLoop } from './flush-loop.ts';

/** What all connections of a process share. */
export interface Engine {
  readonly fields: FieldCache;
  readonly buffers: BufferPool;
  readonly loop: FlushLoop;
}

export function createEngine(): Engine {
  return {
    fields: new FieldCache(),
    buffers: new BufferPool((size) => Buffer.allocUnsafeSlow(size)),
    loop: new FlushLoop(),
  };
}
