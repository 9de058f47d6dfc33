import { fieldsOf, textOf } from '../untrusted.ts';

/** Endpoints that changed at a moment that the controller wrote down, and are in force now. */
export interface ProgrammedChange {
  /** `namespace/name` of the Service. */
  readonly service: string;
  /** When the Service or its Pods changed; milliseconds since the epoch. */
  readonly changedAtMs: number;
}

/** The slice controller writes it for this very purpose (SIG scalability's network programming latency). */
const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';
const SERVICE_NAME = 'kubernetes.io/service-name';
/** Nobody measures a flood. */
const MOST_WAITING = 10_000;

/** Gathers what the events of a watch say of when their cause was, until it is in force. */
export class TriggerTimes {
  #waiting: ProgrammedChange[] = [];

  /** An EndpointSlice as it came. */
  see(value: unknown): void {
    const metadata = fieldsOf(fieldsOf(value)?.['metadata']);
    const changedAtMs = Date.parse(textOf(fieldsOf(metadata?.['annotations'])?.[TRIGGER_TIME]) ?? '');
    const name = textOf(fieldsOf(metadata?.['labels'])?.[SERVICE_NAME]);
    if (Number.isNaN(changedAtMs) || name === undefined || this.#waiting.length >= MOST_WAITING) return;
    this.#waiting.push({ service: `${textOf(metadata?.['namespace']) ?? ''}/${name}`, changedAtMs });
  }

  take(): readonly ProgrammedChange[] {
    const taken = this.#waiting;
    if (taken.length > 0) this.#waiting = [];
    return taken;
  }
}
