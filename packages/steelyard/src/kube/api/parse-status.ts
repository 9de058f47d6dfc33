import { fieldsOf, listOf, textOf } from '../untrusted.ts';
import { ApiFailure } from './api-transport.ts';

/** Reads a `Status` object (apimachinery, meta/v1). `httpStatus` and `retryAfter` are the answer's own. */
export function parseStatus(value: unknown, httpStatus: number, retryAfter?: string): ApiFailure {
  const status = fieldsOf(value) ?? {};
  const details = fieldsOf(status['details']) ?? {};
  const code = typeof status['code'] === 'number' ? status['code'] : httpStatus;
  const seconds = Number(retryAfter ?? details['retryAfterSeconds']);
  const reason = textOf(status['reason']) ?? '';
  return new ApiFailure({
    status: code,
    reason,
    message: oneLine(textOf(status['message']) ?? '') || reason || `HTTP status ${code}`,
    retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined,
    causes: listOf(details['causes']).flatMap((cause) => textOf(fieldsOf(cause)?.['reason']) ?? []),
  });
}

/** The answer's text where it is no Status: a proxy in between may say anything. */
export function parseStatusText(text: string, httpStatus: number, retryAfter?: string): ApiFailure {
  try {
    const value: unknown = JSON.parse(text);
    if (fieldsOf(value) !== undefined) return parseStatus(value, httpStatus, retryAfter);
  } catch {
    // Not JSON.
  }
  return parseStatus({ message: text.slice(0, 200) }, httpStatus, retryAfter);
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ');
}
