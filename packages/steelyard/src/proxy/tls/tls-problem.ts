/** `error:0A00045C:SSL routines:FUNCTION:REASON:FILE:LINE:` as ERR_error_string(3) of OpenSSL has it, after a thread's number. */
const OPENSSL_TEXT = /error:[0-9A-F]+:[^:]*:[^:]*:(?<reason>[^:\n]+)/;

/** What was wrong with a connection, in one line: of OpenSSL's own text the reason alone. */
export function describeConnectionError(error: NodeJS.ErrnoException & { readonly reason?: string }): string {
  const reason = error.reason ?? OPENSSL_TEXT.exec(error.message)?.groups?.['reason'];
  if (reason !== undefined) return `TLS: ${reason}`;
  return error.message.trim().replaceAll(/\s*[\r\n]+\s*/g, ' ');
}
