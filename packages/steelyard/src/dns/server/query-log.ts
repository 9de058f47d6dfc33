import type { Logger } from '../../log.ts';
import type { Responder, Transport } from '../answer/responder.ts';
import { HEADER_LENGTH } from '../message/protocol.ts';

/** The same answers, each with a line of the log: what was asked, by which transport, and how it ended. */
export function logQueries(respond: Responder, log: Logger): Responder {
  return (message, transport) => {
    const reply = respond(message, transport);
    if (reply instanceof Promise) return reply.then((answer) => write(log, answer, transport));
    return write(log, reply, transport);
  };
}

/** Anybody can ask for anything: a name must not be able to write lines of its own (RFC 4343 §2.1 has this spelling). */
function printable(name: string): string {
  return name.replaceAll(/[^\x21-\x7e]/g, (octet) => `\\${octet.charCodeAt(0).toString().padStart(3, '0')}`);
}

function write(log: Logger, answer: Buffer | undefined, transport: Transport): Buffer | undefined {
  if (answer === undefined || answer.length <= HEADER_LENGTH) return answer;
  const labels: string[] = [];
  let at = HEADER_LENGTH;
  for (let length = answer[at]; length !== undefined && length > 0; length = answer[at]) {
    labels.push(answer.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const fields = {
    name: printable(labels.join('.')),
    type: ((answer[at + 1] ?? 0) << 8) | (answer[at + 2] ?? 0),
    transport,
  };
  log.info('query', { ...fields, code: (answer[3] ?? 0) & 0xf, bytes: answer.length });
  return answer;
}
