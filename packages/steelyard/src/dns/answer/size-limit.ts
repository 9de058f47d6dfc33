import type { Edns } from '../message/parse-query.ts';
import { MAX_TCP_SIZE, MAX_UDP_SIZE, MIN_UDP_SIZE } from '../message/protocol.ts';
import type { Transport } from './responder.ts';

/** How long an answer may be, in bytes. */
export function sizeLimit(edns: Edns | undefined, transport: Transport): number {
  if (transport === 'tcp') return MAX_TCP_SIZE;
  return Math.min(Math.max(edns?.udpSize ?? MIN_UDP_SIZE, MIN_UDP_SIZE), MAX_UDP_SIZE);
}
