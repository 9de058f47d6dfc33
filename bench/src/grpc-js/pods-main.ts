/**
 * The pods of the benchmark, one process for all of them: every address of 127/8 at one port is a pod of its own. Answers a call
 * with a 12-byte message. Usage: pods-main.js PORT [MISBEHAVIOUR-AS-JSON]
 */
import { createServer } from 'node:http2';
import { LATE, parseMisbehaviour } from './misbehaviour.ts';

const CONNECTIONS_PATH = '/bench.Pods/Connections';
const [port = '0', misbehaviour = '{}'] = process.argv.slice(2);
const misbehaving = parseMisbehaviour(misbehaviour);
let connections = 0;

function message(text: string): Buffer {
  const body = Buffer.from(text);
  const bytes = Buffer.alloc(5 + body.length);
  bytes.writeUInt32BE(body.length, 1);
  body.copy(bytes, 5);
  return bytes;
}

/** Half of it in use: rps_fractional (6) and application_utilization (9) of an OrcaLoadReport. */
function loadReport(capacity: number): string {
  const bytes = Buffer.alloc(18);
  bytes.writeUInt8(0x31, 0);
  bytes.writeDoubleLE(capacity / 2, 1);
  bytes.writeUInt8(0x49, 9);
  bytes.writeDoubleLE(0.5, 10);
  return bytes.toString('base64');
}

const ANSWER = message('twelve bytes');
/** Of a pod that is slow, to be told from the others. */
const LATE_ANSWER = message(LATE);
const HEADERS = { ':status': 200, 'content-type': 'application/grpc+proto' };

const server = createServer();
server.on('session', () => connections++);
server.on('stream', (stream, headers) => {
  stream.on('error', () => undefined);
  stream.resume();
  if (headers[':path'] === CONNECTIONS_PATH) {
    stream.respond(HEADERS, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(message(String(connections)));
    return;
  }
  const { delayMs, failure, capacity } = misbehaving.get(stream.session?.socket.localAddress ?? '') ?? {};
  const answer = (): void => {
    if (stream.destroyed) return;
    if (failure !== undefined) {
      stream.respond({ ...HEADERS, 'grpc-status': String(failure) }, { endStream: true });
      return;
    }
    stream.respond(HEADERS, { waitForTrailers: true });
    const report = capacity === undefined ? {} : { 'endpoint-load-metrics-bin': loadReport(capacity) };
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', ...report }));
    stream.end(delayMs === undefined ? ANSWER : LATE_ANSWER);
  };
  if (delayMs === undefined) answer();
  else setTimeout(answer, delayMs);
});
server.listen(Number(port), '0.0.0.0');
