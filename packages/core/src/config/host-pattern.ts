import type { ExportTo, HostPattern } from './config-object.ts';
import type { FieldReader } from './field-reader.ts';
import { isDnsLabel, isDnsSubdomain, isHostPattern, withoutRoot } from './names.ts';

/** Reads one host; reports what can be no host name. Names are compared without case (RFC 4343). */
export function readHost(reader: FieldReader, field: string): HostPattern | undefined {
  const written = reader.string(field);
  if (written === undefined) return undefined;
  const text = withoutRoot(written);
  if (isHostPattern(text)) return { host: text.toLowerCase(), place: reader.place(field) };
  return reader.fail(field, 'invalid-value', `Field ${field} must be a host name or *.suffix, not "${written}".`);
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

/** Gateways are named `mesh`, `name` or `namespace/name`; Istio allows no wildcard. */
export function checkGateways(reader: FieldReader, gateways: readonly string[]): void {
  for (const [index, gateway] of gateways.entries()) {
    const [namespace, name, ...rest] = gateway.includes('/') ? gateway.split('/') : ['any', gateway];
    const valid = isDnsLabel(namespace ?? '') && isDnsSubdomain(name ?? '') && rest.length === 0;
    if (valid) continue;
    const message = `A gateway is mesh, NAME or NAMESPACE/NAME, not "${gateway}".`;
    reader.report.report('invalid-value', reader.at('gateways', index), message);
  }
}
