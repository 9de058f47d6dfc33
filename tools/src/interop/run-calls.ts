import { Client, credentials, Metadata, status, type CallOptions, type StatusObject } from '@grpc/grpc-js';
import { AUTHORITY } from '../peers/index.ts';
import type { CallPlan } from './call-plan.ts';
import { createMessageHash, messages } from './pattern.ts';
import { BYTES, COMMAND, METHODS, PLAN, RECEIVED_COUNT, RECEIVED_HASH, TEXT } from './service.ts';

/** How many calls of a channel are under way at a time, and how many channels. */
const CONCURRENCY = 32;
const CHANNELS = 3;

/** A call that ought to end but has not after this long is a failure, not a stuck suite. */
const CALL_TIMEOUT_MS = 60_000;

/** A client to a proxy. Retries are off: they would hide what the proxy lost. */
export function connectThrough(port: number, channel = 0): Client {
  return new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.default_authority': AUTHORITY,
    'grpc.enable_retries': 0,
    'grpc.max_receive_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
    'interop.channel': channel,
  });
}

/** Makes the planned calls from grpc-js. Returns a sentence for each that did not go as planned. */
export async function runCalls(
  port: number,
  plans: readonly CallPlan[],
  onProgress: (done: number) => void,
): Promise<string[]> {
  const failures: string[] = [];
  const queue = plans.values();
  let done = 0;
  const clients = Array.from({ length: CHANNELS }, (_, channel) => connectThrough(port, channel));
  await Promise.all(
    clients.flatMap((client) =>
      Array.from({ length: CONCURRENCY }, async () => {
        // The queue is shared: each takes the next plan when it is free.
        for (const plan of queue) {
          const why = await runCall(client, plan);
          if (why !== undefined) failures.push(`call ${plan.id} (${plan.kind}, ${plan.outcome.kind}): ${why}`);
          onProgress(++done);
        }
      }),
    ),
  );
  for (const client of clients) client.close();
  return failures;
}

/** How many calls the backend still believes to be under way, though their callers gave them up. */
export async function waitingCalls(client: Client): Promise<number> {
  const metadata = new Metadata();
  metadata.set(COMMAND, 'report');
  const { path, requestSerialize, responseDeserialize } = METHODS.unary;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, Buffer.alloc(0), metadata, (error, reply) => {
      if (error !== null || reply === undefined) reject(error ?? new Error('no reply'));
      else resolve(Number(reply.toString()));
    });
  });
}

/** What the caller saw of a call. */
interface Seen {
  readonly headers: Metadata | undefined;
  readonly replies: readonly Buffer[];
  readonly status: StatusObject;
}

async function runCall(client: Client, plan: CallPlan): Promise<string | undefined> {
  const seen = await makeCall(client, plan);
  return judge(plan, seen);
}

function makeCall(client: Client, plan: CallPlan): Promise<Seen> {
  const metadata = new Metadata();
  for (const text of plan.text) metadata.add(TEXT, text);
  for (const bytes of plan.bytes) metadata.add(BYTES, Buffer.from(bytes, 'hex'));
  metadata.set(PLAN, Buffer.from(JSON.stringify(plan)));
  const { outcome } = plan;
  const options: CallOptions = {
    deadline: Date.now() + (outcome.kind === 'deadline' ? outcome.timeoutMs : CALL_TIMEOUT_MS),
  };
  const { path, requestSerialize, responseDeserialize } = METHODS[plan.kind];
  const sending = messages(plan.send, plan.offset);
  return new Promise((resolve) => {
    // A duplex stream on the wire is the same whatever kind the method is, and shows everything one can see of a call.
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, options);
    let headers: Metadata | undefined;
    const replies: Buffer[] = [];
    call.on('metadata', (received) => {
      headers = received;
      if (outcome.kind === 'cancel') call.cancel();
    });
    // The next message of a bidi call follows the answer to the one before: a conversation, not two streams side by side.
    const next = sending.values();
    const sendNext = (): void => {
      const { value, done } = next.next();
      if (done === true) call.end();
      else call.write(value);
    };
    const conversation = plan.kind === 'bidi' && !(outcome.kind === 'error' && outcome.trailersOnly);
    call.on('data', (reply: Buffer) => {
      replies.push(reply);
      if (conversation) sendNext();
    });
    // Every error is followed by its status.
    call.on('error', () => undefined);
    call.on('status', (ended) => resolve({ headers, replies, status: ended }));
    if (conversation) {
      sendNext();
    } else {
      for (const message of sending) call.write(message);
      call.end();
    }
  });
}

function judge(plan: CallPlan, { headers, replies, status: ended }: Seen): string | undefined {
  const { outcome } = plan;
  const said = `${status[ended.code]}: ${ended.details}`;
  switch (outcome.kind) {
    case 'cancel':
      return ended.code === status.CANCELLED ? undefined : `expected CANCELLED, got ${said}`;
    case 'deadline':
      return ended.code === status.DEADLINE_EXCEEDED ? undefined : `expected DEADLINE_EXCEEDED, got ${said}`;
    case 'ok':
      if (ended.code !== status.OK) return `expected OK, got ${said}`;
      return judgeHeaders(plan, headers) ?? judgeReplies(plan.reply, plan, replies) ?? judgeTrailers(plan, ended);
    case 'error': {
      if (status[ended.code] !== status[outcome.code]) return `expected ${status[outcome.code]}, got ${said}`;
      if (ended.details !== outcome.message) {
        return `expected the message ${JSON.stringify(outcome.message)}, got ${JSON.stringify(ended.details)}`;
      }
      const streamed = plan.kind === 'bidi' || plan.kind === 'server-stream';
      const expected = outcome.trailersOnly || !streamed ? [] : plan.reply;
      const inHeaders = outcome.trailersOnly ? undefined : judgeHeaders(plan, headers);
      return inHeaders ?? judgeReplies(expected, plan, replies) ?? judgeTrailers(plan, ended);
    }
    default:
      return outcome satisfies never;
  }
}

function judgeHeaders(plan: CallPlan, headers: Metadata | undefined): string | undefined {
  return headers === undefined ? 'no headers came' : judgeEcho(plan, headers, 'headers');
}

function judgeReplies(sizes: readonly number[], plan: CallPlan, replies: readonly Buffer[]): string | undefined {
  if (replies.length !== sizes.length) return `expected ${sizes.length} messages, got ${replies.length}`;
  const expected = messages(sizes, plan.offset);
  const wrong = replies.findIndex((reply, index) => expected[index]?.equals(reply) !== true);
  return wrong < 0
    ? undefined
    : `message ${wrong} of ${sizes[wrong]} bytes came as other ${replies[wrong]?.length} bytes`;
}

function judgeTrailers(plan: CallPlan, { metadata }: StatusObject): string | undefined {
  const hash = createMessageHash();
  const sent = messages(plan.send, plan.offset);
  for (const message of sent) hash.add(message);
  const count = String(metadata.get(RECEIVED_COUNT)[0]);
  // A call that ends with trailers alone may end before all of its messages have arrived.
  const whole = plan.outcome.kind === 'ok' || plan.kind === 'unary' || plan.kind === 'server-stream';
  if (whole && count !== String(sent.length)) return `the backend got ${count} of ${sent.length} messages`;
  const received = metadata.get(RECEIVED_HASH)[0];
  if (whole && !(Buffer.isBuffer(received) && received.equals(hash.digest()))) return 'the backend got other bytes';
  return judgeEcho(plan, metadata, 'trailers');
}

function judgeEcho(plan: CallPlan, metadata: Metadata, where: string): string | undefined {
  // gRPC lets a hop join the values of one key by commas.
  const text = metadata.get(TEXT).join(',').replaceAll(/, ?/g, ',');
  const expectedText = plan.text.join(',').replaceAll(/, ?/g, ',');
  if (text !== expectedText) return `${TEXT} in the ${where} is ${JSON.stringify(text)}`;
  const bytes = metadata.get(BYTES).map((value) => Buffer.from(value).toString('hex'));
  return bytes.join(',') === plan.bytes.join(',') ? undefined : `${BYTES} in the ${where} is ${bytes.join(',')}`;
}
