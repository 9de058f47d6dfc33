import { after } from 'node:test';
import { createSeededRandom } from '@steelyard/core/balance';
import {
  createTestSource,
  echo,
  type PodBehaviour,
  startPod,
  TestCaller,
  type TestPodServer,
  type TestRules,
  type TestSource,
} from '@steelyard/testkit';
import { silentLog as silent } from '../../log.test-bed.ts';
import { type Proxy, startProxy } from '../proxy.ts';
import type { ConnectionSettings } from '../transport/connection-settings.ts';

export { silent };

/** Run in reverse when the file's tests are over. */
export const cleanUp: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const close of cleanUp.toReversed()) await close();
});

export interface Bed {
  readonly pods: readonly TestPodServer[];
  readonly source: TestSource;
  readonly proxy: Proxy;
  readonly caller: TestCaller;
}

export async function startBed(
  podCount: number,
  behaviour: PodBehaviour = echo,
  settings = {},
  simple = 'RANDOM',
  rules: TestRules = {},
  connections: ConnectionSettings = {},
): Promise<Bed> {
  const pods = await Promise.all(Array.from({ length: podCount }, () => startPod(behaviour, settings)));
  const source = createTestSource(pods, simple, rules);
  const proxy = await startProxy({
    snapshots: source,
    listen: { host: '127.0.0.1', port: 0 },
    namespace: 'default',
    log: silent,
    random: createSeededRandom(7),
    connections,
  });
  const caller = new TestCaller(proxy.address.port);
  for (const pod of pods) cleanUp.push(() => pod.close());
  cleanUp.push(
    () => proxy.close(),
    () => caller.close(),
  );
  return { pods, source, proxy, caller };
}
