import { createNamedField, fieldName, HeaderBlock } from '@steelyard/http2';

const PREVIOUS_ATTEMPTS = fieldName('grpc-previous-rpc-attempts');

/** gRFC A6, "Exposed Retry Metadata". Attempts that the caller itself has made count too. */
export function withPreviousAttempts(block: HeaderBlock, attempts: number): HeaderBlock {
  let total = attempts;
  const fields = block.fields.slice(0, block.count).filter((field) => {
    if (field.name !== PREVIOUS_ATTEMPTS) return true;
    if (/^\d{1,6}$/.test(field.text)) total += Number(field.text);
    return false;
  });
  return HeaderBlock.of([...fields, createNamedField(PREVIOUS_ATTEMPTS, String(total))]);
}
