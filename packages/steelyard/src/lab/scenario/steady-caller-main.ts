// A consumer that calls all day: one channel, its target from the environment.
import { createSeededRandom } from '@steelyard/core/balance';
import { register } from '@steelyard/grpc-js';
import { serveParent, tellParent } from '../processes/child-side.ts';
import { createEchoClient } from '../processes/echo-client.ts';
import { isMessage, TARGET_VARIABLE } from '../processes/messages.ts';
import { SteadyDrive } from './drive-steadily.ts';

const TICK_MS = 2;
/** For all pods to answer; then it begins with those that have. */
const WARM_UP_MS = 10_000;

let drive: SteadyDrive | undefined;

serveParent(async (message) => {
  if (isMessage(message, 'drive-steadily')) {
    const target = process.env[TARGET_VARIABLE];
    if (target === undefined) throw new Error(`${TARGET_VARIABLE} is not set`);
    // For a target of grpc-js's own schemes it changes nothing.
    register({ random: createSeededRandom(message.seed) });
    const client = createEchoClient({ target, serviceConfig: message.serviceConfig });
    const now = (): number => performance.timeOrigin + performance.now();
    const steady = new SteadyDrive({ call: client.say, perSecond: message.perSecond, now });
    drive = steady;
    setInterval(() => steady.tick(), TICK_MS);
    const latest = now() + WARM_UP_MS;
    while (steady.firstAnswerMs.size < message.awaitPods && now() < latest) {
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    tellParent({ kind: 'steady-begun' });
  } else if (isMessage(message, 'stop-calls') && drive !== undefined) {
    await drive.stop();
    tellParent({ kind: 'steady-done', buckets: drive.buckets, firstAnswerMs: drive.firstAnswerMs });
  }
});
