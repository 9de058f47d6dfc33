import { FieldBlock, rememberedIndex, STATIC } from '../wire/field-block.ts';
import { END_HEADERS, END_STREAM, frame, HEADERS } from '../wire/frame.ts';

/** The header blocks of a reply, as frames whose stream id is to be filled in. */
export interface ReplyBlocks {
  readonly headers: Buffer;
  readonly trailers: Buffer;
}

const HEADER_FIELDS: readonly (readonly [name: number | string, value: string])[] = [
  [STATIC.contentType, 'application/grpc'],
  ['grpc-accept-encoding', 'identity,deflate,gzip'],
];
const ENTRIES = 3;

/** `fill` puts the fields into the header table, `use` refers to them, `none` does without. */
export function replyBlocks(table: 'fill' | 'use' | 'none', grpcStatus: number): ReplyBlocks {
  const headers = new FieldBlock().indexed(STATIC.status200);
  const trailers = new FieldBlock();
  for (const [nth, [name, value]] of HEADER_FIELDS.entries()) {
    if (table === 'fill') headers.remembered(name, value);
    else if (table === 'use') headers.indexed(rememberedIndex(nth, ENTRIES));
    else headers.literal(name, value);
  }
  if (table === 'fill') trailers.remembered('grpc-status', String(grpcStatus));
  else if (table === 'use') trailers.indexed(rememberedIndex(ENTRIES - 1, ENTRIES));
  else trailers.literal('grpc-status', String(grpcStatus));
  return {
    headers: frame(HEADERS, END_HEADERS, 0, headers.toBuffer()),
    trailers: frame(HEADERS, END_HEADERS | END_STREAM, 0, trailers.toBuffer()),
  };
}
