import type { Pin } from '../../cpus.ts';
import { isLoadResult, type LoadCommand, type LoadResult } from '../load/load-command.ts';
import { startChannelProcess, type ChannelProcess } from './channel-process.ts';

/** More than any command takes beyond the time it is meant to. */
const SLACK_MS = 20_000;

/** A machine that others use as well stands still at times; a proxy that answers nothing does so each time. */
const ATTEMPTS = 3;

/** Runs the commands of the load process one after the other. */
export interface LoadDriver {
  /** Rejects when the load process fails, or a call did, or there was none: such a measurement is void. */
  run(command: LoadCommand): Promise<LoadResult>;
  stop(): Promise<void>;
}

export function createLoadDriver(pin: Pin): LoadDriver {
  let child: ChannelProcess | undefined;
  const once = async (command: LoadCommand): Promise<LoadResult> => {
    child ??= startChannelProcess('load/load-main.js', [], pin);
    let answer: unknown;
    try {
      answer = await child.request(command, durationOf(command) + SLACK_MS);
    } catch (error) {
      // The next command gets a new one.
      child = undefined;
      throw error;
    }
    if (!isLoadResult(answer)) throw new Error('the load process said something else than a result');
    if (answer.failures > 0) throw new Error(`${answer.failures} failed, the first: ${answer.firstFailure ?? '?'}`);
    return answer;
  };
  return {
    async run(command) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const result = await once(command);
        if (result.calls > 0) return result;
      }
      throw new Error('no call was answered');
    },
    async stop() {
      await child?.stop();
    },
  };
}

function durationOf(command: LoadCommand): number {
  switch (command.kind) {
    case 'closed':
    case 'open':
      return command.warmUpMs + command.measureMs;
    case 'echo':
      // 0.1 ms a message is slower than anything.
      return command.messages / 10;
    case 'idle':
      return command.settleMs + command.measureMs + command.connections * 2;
    default:
      return command satisfies never;
  }
}
