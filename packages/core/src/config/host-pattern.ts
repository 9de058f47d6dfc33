import type { ExportTo, HostPattern } from './config-object.ts';
import type { FieldReader } from './field-reader.ts';
import { isDnsLabel, isHostPattern } from './names.ts';

/** Reads one host; reports what can be no host name. Names are compared without case (RFC 4343). */
export function readHost(reader: FieldReader, field: string): HostPattern | undefined {
  const text = reader.string(field);
  if (text === undefined) return undefined;
  if (isHostPattern(text)) return { host: text.toLowerCase(), place: reader.place(field) };
  return reader.fail(field, 'invalid-value', `Field ${field} must be a host name or *.suffix, not "${text}".`);
}

/** istio.io, `exportTo`: namespaces, `.`, `*` or `~`. */
export function readExportTo(reader: FieldReader): ExportTo {
  const entries = reader.strings('exportTo') ?? [];
  for (const [index, entry] of entries.entries()) {
    if (entry === '.' || entry === '*' || entry === '~' || isDnsLabel(entry)) continue;
    const message = `An entry of exportTo must be a namespace, ".", "*" or "~", not "${entry}".`;
    reader.report.report('invalid-value', reader.at('exportTo', index), message);
  }
  if (entries.length > 1 && entries.some((entry) => entry === '*' || entry === '~')) {
    reader.fail('exportTo', 'invalid-value', 'In exportTo "*" and "~" stand alone; remove the other entries.');
  }
  return entries;
}
