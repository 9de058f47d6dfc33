import { CALL_KINDS, type CallPlan } from './call-plan.ts';

/** Reads a plan back. The plans are our own; a damaged one means that metadata was, so the check is of its shape only. */
export function parseCallPlan(json: string): CallPlan {
  const value: unknown = JSON.parse(json);
  if (isCallPlan(value)) return value;
  throw new Error(`no call plan: ${json.slice(0, 200)}`);
}

function isCallPlan(value: unknown): value is CallPlan {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'number' &&
    'kind' in value &&
    CALL_KINDS.some((kind) => kind === value.kind) &&
    'send' in value &&
    Array.isArray(value.send) &&
    'reply' in value &&
    Array.isArray(value.reply) &&
    'offset' in value &&
    typeof value.offset === 'number' &&
    'text' in value &&
    Array.isArray(value.text) &&
    'bytes' in value &&
    Array.isArray(value.bytes) &&
    'outcome' in value &&
    typeof value.outcome === 'object'
  );
}
