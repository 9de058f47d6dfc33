/** What is the matter with a pod. */
export const FAULTS = ['none', 'late', 'unavailable', 'exhausted'] as const;
export type Fault = (typeof FAULTS)[number];

/** What the process of the pods is told. */
export type PodCommand =
  | { readonly op: 'start' }
  | { readonly op: 'fault'; readonly port: number; readonly fault: Fault }
  /** As a gRPC server on SIGTERM: no new calls, those under way finish. */
  | { readonly op: 'drain'; readonly port: number };

/** The answer to `start`: the port of the new pod. To `drain`: it is gone. */
export interface PodEvent {
  readonly op: 'started' | 'drained';
  readonly port: number;
}

export function isPodCommand(value: unknown): value is PodCommand {
  if (typeof value !== 'object' || value === null || !('op' in value)) return false;
  switch (value.op) {
    case 'start':
      return true;
    case 'fault':
      return 'port' in value && 'fault' in value && FAULTS.some((fault) => fault === value.fault);
    case 'drain':
      return 'port' in value;
    default:
      return false;
  }
}

export function isPodEvent(value: unknown): value is PodEvent {
  return typeof value === 'object' && value !== null && 'op' in value && 'port' in value;
}
