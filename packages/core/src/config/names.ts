import type { FieldReader } from './field-reader.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** RFC 1123 label as Kubernetes restricts it: lower case, digits, `-`, at most 63. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && LABEL.test(text);
}

/** Labels joined by dots, at most 253 altogether. */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && text.split('.').every((label) => label.length <= 63 && LABEL.test(label));
}

/** Reads a name and reports one that cannot be. */
export function readDnsLabel(reader: FieldReader, field: string): string | undefined {
  const value = reader.string(field);
  if (value === undefined || isDnsLabel(value)) return value;
  const rule = 'lower-case letters, digits and "-", at most 63, starting and ending with a letter or digit';
  return reader.fail(field, 'invalid-value', `Field ${field} must be a DNS label (${rule}), not "${value}".`);
}

/** A host of a DestinationRule, or a destination: a name, `*`, or a wildcard prefix `*.x`, in any case. */
export function isHostPattern(text: string): boolean {
  if (text === '*') return true;
  return isDnsSubdomain((text.startsWith('*.') ? text.slice(2) : text).toLowerCase());
}

/** The same where a wildcard may also stand for the beginning of a label, `*-x.y` or `*x.y` (Istio, `IsWildcardDNS1123Label`). */
export function isSuffixPattern(text: string): boolean {
  return isHostPattern(text) || isDnsSubdomain(text.replace(/^\*-?/, '').toLowerCase());
}

/** The name of a host without the dot of the root (RFC 1034 §3.1), which changes nothing of what it means. */
export function withoutRoot(text: string): string {
  return text.length > 1 && text.endsWith('.') ? text.slice(0, -1) : text;
}
