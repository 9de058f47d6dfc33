import { fork } from 'node:child_process';
import { join } from 'node:path';
import { type Fault, isPodEvent, type PodCommand } from './pod-messages.ts';

/** The pods' process, told what to do. */
export interface Pods {
  /** Resolves with the port of one more. */
  start(): Promise<number>;
  setFault(port: number, fault: Fault): void;
  /** Resolves once it is gone. */
  drain(port: number): Promise<void>;
  stop(): Promise<void>;
}

export function startPods(): Pods {
  const child = fork(join(import.meta.dirname, 'pods-main.js'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const starting: ((port: number) => void)[] = [];
  const draining = new Map<number, () => void>();
  child.on('message', (event) => {
    if (!isPodEvent(event)) return;
    if (event.op === 'started') starting.shift()?.(event.port);
    else draining.get(event.port)?.();
  });
  const tell = (command: PodCommand): void => void child.send(command);
  return {
    start: () =>
      new Promise((resolve) => {
        starting.push(resolve);
        tell({ op: 'start' });
      }),
    setFault: (port, fault) => tell({ op: 'fault', port, fault }),
    drain: (port) =>
      new Promise((resolve) => {
        draining.set(port, resolve);
        tell({ op: 'drain', port });
      }),
    async stop() {
      const gone = new Promise((resolve) => void child.once('exit', resolve));
      child.disconnect();
      await gone;
    },
  };
}
