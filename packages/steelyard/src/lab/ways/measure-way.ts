import type { Endpoint } from '@steelyard/core/model';
import { startChild } from '../processes/child-process.ts';
import type { Cleanup } from '../../cleanup.ts';
import { isMessage, TARGET_VARIABLE } from '../processes/messages.ts';
import type { OpenWay } from './way-context.ts';
import type { WayReport } from '../report/lab-report.ts';
import { reportWay } from '../report/way-report.ts';

export interface Workload {
  readonly calls: number;
  /** Calls under way at any moment. */
  readonly concurrency: number;
  /** Of the caller's own choices. */
  readonly seed: number;
}

/** Runs a caller process over an open way: one channel, the workload, its tally. */
export async function measureWay(
  way: OpenWay,
  pods: readonly Endpoint[],
  workload: Workload,
  cleanup: Cleanup,
  onDone: (done: number) => void,
): Promise<WayReport> {
  const caller = startChild({
    module: './caller-main.js',
    name: `the caller of the ${way.way} way`,
    env: { ...way.env, [TARGET_VARIABLE]: way.target },
    networkOf: way.callerNetworkOf,
  });
  cleanup.defer(() => caller.stop());
  const { calls, concurrency, seed } = workload;
  const measured = await caller.ask(
    {
      kind: 'run-calls',
      calls,
      concurrency,
      seed,
      awaitPods: way.awaitPods,
      ...(way.policy === undefined ? {} : { policy: way.policy }),
      ...(way.authority === undefined ? {} : { authority: way.authority }),
    },
    'calls-measured',
    (message) => {
      if (isMessage(message, 'calls-done')) onDone(message.done);
    },
  );
  await caller.stop();
  return reportWay({
    way: way.way,
    pods,
    expected: way.expected,
    balancedBy: way.balancedBy,
    how: way.how,
    ...(way.caveat === undefined ? {} : { caveat: way.caveat }),
    measured,
  });
}
