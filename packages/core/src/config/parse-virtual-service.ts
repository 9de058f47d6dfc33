import type { HostPattern, VirtualService } from './config-object.ts';
import type { FieldReader } from './field-reader.ts';
import { checkGateways, readExportTo } from './host-pattern.ts';
import type { Metadata } from './metadata.ts';
import { parseIpAddress } from './ip-address.ts';
import { isSuffixPattern, withoutRoot } from './names.ts';
import { parseHttpRules } from './parse-http-rules.ts';

const NOT_GRPC = 'it is for ports that do not speak HTTP, gRPC calls are routed by http';

export function parseVirtualService(reader: FieldReader, metadata: Metadata): VirtualService | undefined {
  reader.require('spec');
  const spec = reader.mapping('spec');
  if (spec === undefined) return undefined;
  const gateways = spec.strings('gateways') ?? [];
  checkGateways(spec, gateways);
  const inMesh = gateways.length === 0 || gateways.includes('mesh');
  const hosts = readHosts(spec, inMesh);
  const exportTo = readExportTo(spec);
  spec.withoutEffect(NOT_GRPC, 'tcp', 'tls');
  const rules = spec.mappings('http');
  const hasOtherRoutes = (spec.list('tcp') ?? []).length + (spec.list('tls') ?? []).length > 0;
  if (!hasOtherRoutes && (rules === undefined ? !spec.has('http') : rules.length === 0)) {
    spec.report.report('missing-field', spec.path, 'One of http, tcp and tls is required; add a route.');
  }
  const isDelegate = (spec.list('hosts') ?? []).length === 0;
  const http =
    rules !== undefined && rules.length > 0 ? parseHttpRules(rules, isDelegate ? 'delegate' : 'root') : undefined;
  spec.finish();
  if (reader.report.hasErrors) return undefined;
  return {
    kind: 'VirtualService',
    namespace: metadata.namespace,
    name: metadata.name,
    createdAtMs: metadata.createdAtMs,
    hosts,
    gateways: gateways.length === 0 ? ['mesh'] : gateways,
    exportTo,
    ...(http !== undefined && { http }),
    position: metadata.position,
  };
}

function readHosts(spec: FieldReader, inMesh: boolean): readonly HostPattern[] {
  const texts = spec.strings('hosts') ?? [];
  const hosts: HostPattern[] = [];
  for (const [index, text] of texts.entries()) {
    // An address as callers have it in their `:authority`.
    const host = parseIpAddress(text)?.address ?? withoutRoot(text).toLowerCase();
    const wrong = whatIsWrong(host, inMesh, hosts);
    if (wrong === undefined) hosts.push({ host, place: spec.place('hosts', index) });
    else spec.report.report('invalid-value', spec.at('hosts', index), wrong);
  }
  if (texts.length === 0) {
    for (const field of ['gateways', 'tcp', 'tls']) {
      if ((spec.list(field) ?? []).length === 0) continue;
      const message = `A VirtualService without hosts is there for others to delegate to, and has no ${field}; add hosts or remove it.`;
      spec.fail(field, 'invalid-value', message);
    }
  }
  return hosts;
}

/** Istio's validation: a mesh host is a name, an address or `*suffix`, and no two of one object overlap. */
function whatIsWrong(host: string, inMesh: boolean, before: readonly HostPattern[]): string | undefined {
  if (!isSuffixPattern(host) && parseIpAddress(host) === undefined) {
    return `A host must be a host name or *.suffix, not "${host}".`;
  }
  if (!inMesh) return undefined;
  if (host === '*') return 'Host "*" is for gateways only; name the hosts inside the cluster.';
  const other = before.find((earlier) => overlaps(earlier.host, host));
  return other && `Host "${host}" overlaps with "${other.host}" of the same object; remove one.`;
}

function overlaps(a: string, b: string): boolean {
  if (a === b) return true;
  const [longer, shorter] = a.length > b.length ? [a, b] : [b, a];
  return shorter.startsWith('*') && longer.endsWith(shorter.slice(1));
}
