import { type Diagnostic, type ObjectRef, type SourcePosition, serviceKey } from '../model/index.ts';
import { readAnnotations } from './annotations/read-annotations.ts';
import type { ConfigObject } from './config-object.ts';
import { DIAGNOSTIC_KINDS } from './diagnostic-codes.ts';
import { FieldReader, isMapping, nameOf } from './field-reader.ts';
import { lookUpKind } from './kinds.ts';
import { expandLists, type ListedObject } from './lists.ts';
import { parseMetadata, peekRef } from './metadata.ts';
import { type NearKind, nearVersion } from './near-kind.ts';
import { ObjectReport } from './object-report.ts';
import type { SourceDocument, SourceProblem } from './source-document.ts';

/** Where an object stands among its source's documents: how a new version is known when its name is unreadable. */
export interface ObjectOrigin {
  readonly file: string;
  /** Place among the documents of the file, from 0. */
  readonly document: number;
  /** Place in a List, from 0. */
  readonly item?: number;
}

export interface ParsedObject {
  readonly object: ConfigObject;
  readonly origin: ObjectOrigin;
}

/** Something that was there but cannot be used: what it was before stays in force. */
export interface BrokenObject {
  /** Its kind, namespace and name, when those can be read. */
  readonly ref?: ObjectRef;
  readonly file: string;
  /** Absent when all of the file is broken. */
  readonly document?: number;
  /** Absent when all of the document is broken. */
  readonly item?: number;
  /** Nothing follows in the file: it may have been cut off here, or have stopped being what it was. */
  readonly isEnd?: true;
}

export interface ParsedObjects {
  /** No two of the same kind, namespace and name. */
  readonly objects: readonly ParsedObject[];
  readonly broken: readonly BrokenObject[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface ParseOptions {
  /** Of objects that name none. */
  readonly defaultNamespace: string;
}

/** Reads untrusted documents into the core's own types. Never throws; a bad object costs only itself. */
export function parseObjects(documents: readonly SourceDocument[], options: ParseOptions): ParsedObjects {
  const collected: Collected = { objects: [], broken: [], diagnostics: [], seen: new Map() };
  const counts = new Map<string, number>();
  /** The last document of each file that is not empty. */
  const ends = new Map<string, number>();
  for (const document of documents) {
    const index = counts.get(document.file) ?? 0;
    counts.set(document.file, index + 1);
    const isEmpty = document.value === undefined || document.value === null;
    if (!isEmpty || document.problems !== undefined) ends.set(document.file, index);
    for (const problem of document.problems ?? []) {
      collected.diagnostics.push(toDiagnostic(document.file, problem));
      if (problem.code === 'source-unreadable') collected.broken.push({ file: document.file });
      if (problem.code === 'syntax-error') collected.broken.push({ file: document.file, document: index });
    }
    // An empty document, as between two separators.
    if (isEmpty) continue;
    for (const listed of expandLists(document, index)) parseObject(listed, options, collected);
  }
  const { objects, diagnostics } = collected;
  const broken = collected.broken.map((one): BrokenObject => {
    const isEnd = one.document !== undefined && one.document === ends.get(one.file);
    return isEnd ? { ...one, isEnd } : one;
  });
  return { objects, broken, diagnostics };
}

interface Collected {
  readonly objects: ParsedObject[];
  readonly broken: BrokenObject[];
  readonly diagnostics: Diagnostic[];
  /** Where each kind, namespace and name was first seen. */
  readonly seen: Map<string, SourcePosition>;
}

function parseObject(listed: ListedObject, options: ParseOptions, collected: Collected): void {
  const { document, origin } = listed;
  const report = new ObjectReport(document, listed.base);
  const object = readObject(listed, report, options, collected.seen);
  collected.diagnostics.push(...report.diagnostics);
  if (object !== undefined) collected.objects.push({ object, origin });
  else if (report.hasErrors) {
    collected.broken.push({ ...(report.object !== undefined && { ref: report.object }), ...origin });
  }
}

function readObject(
  listed: ListedObject,
  report: ObjectReport,
  options: ParseOptions,
  seen: Map<string, SourcePosition>,
): ConfigObject | undefined {
  if (!isMapping(listed.value)) {
    report.report('not-an-object', [], `A Kubernetes object is a mapping, not ${nameOf(listed.value)}.`);
    return undefined;
  }
  const reader = new FieldReader(listed.value, [], report);
  const kind = reader.string('kind') ?? listed.kind;
  const apiVersion = reader.string('apiVersion') ?? listed.apiVersion;
  if (kind === undefined || apiVersion === undefined) {
    const lacks = kind === undefined ? 'kind' : 'apiVersion';
    if (!report.hasErrors) report.report('not-an-object', [], `A Kubernetes object says its ${lacks}; add it.`);
    return undefined;
  }
  report.object = peekRef(kind, reader, options.defaultNamespace);
  const found = lookUpKind(apiVersion, kind);
  switch (found.is) {
    case 'unknown':
      if (kind.endsWith('List') && reader.has('items')) {
        reader.list('items');
        return undefined;
      }
      report.report('unknown-kind', ['kind'], `${kind} of ${apiVersion} is not read by Steelyard.`);
      return undefined;
    case 'traffic':
      report.report(
        'kind-not-honoured',
        ['kind'],
        `${kind} of ${apiVersion} is not honoured yet, it has no effect here.`,
      );
      return undefined;
    case 'misspelt':
      reportMisspelt(report, apiVersion, kind, found.meant);
      return undefined;
    case 'unsupported-version': {
      const near = nearVersion(apiVersion, found.apiVersions);
      const advice = near === undefined ? 'convert it.' : `did you mean ${near}?`;
      const message = `${kind} is read as ${found.apiVersions.join(', ')}, not as ${apiVersion}; ${advice}`;
      report.report('unsupported-version', ['apiVersion'], message);
      return undefined;
    }
    case 'known':
      break;
  }
  if (isDuplicate(report, seen)) return undefined;
  const metadata = parseMetadata(reader, options.defaultNamespace);
  // Written by controllers; what they say there follows from other objects.
  reader.ignore('status');
  const object = metadata && found.kind.parse(reader, metadata);
  if (metadata !== undefined) {
    // The parsers of these two read them themselves; on other kinds they mean nothing.
    if (kind !== 'Service' && kind !== 'DestinationRule') readAnnotations(reader, kind, metadata.annotations);
    reader.finish();
  }
  return report.hasErrors ? undefined : object;
}

/** What it was before stays in force: it is broken under the name that was meant. */
function reportMisspelt(report: ObjectReport, apiVersion: string, kind: string, meant: NearKind): void {
  const { field } = meant;
  const isElsewhere = field === 'kind' && !isSameGroup(apiVersion, meant.apiVersion);
  const advice = field === 'kind' ? `${meant.kind}${isElsewhere ? ` of ${meant.apiVersion}` : ''}` : meant.apiVersion;
  report.report('kind-misspelt', [field], `There is no ${kind} in ${apiVersion}; did you mean ${advice}?`);
  const { object } = report;
  // What a List holds is known by its place.
  report.object = object === undefined || meant.kind === 'List' ? undefined : { ...object, kind: meant.kind };
}

function isSameGroup(a: string, b: string): boolean {
  return a.slice(0, Math.max(0, a.indexOf('/'))) === b.slice(0, Math.max(0, b.indexOf('/')));
}

/** The first one holds, whether or not it turns out to be good. */
function isDuplicate(report: ObjectReport, seen: Map<string, SourcePosition>): boolean {
  const ref = report.object;
  if (ref === undefined) return false;
  const key = `${ref.kind}/${serviceKey(ref.namespace, ref.name)}`;
  const first = seen.get(key);
  if (first === undefined) {
    seen.set(key, report.position([]));
    return false;
  }
  const place = first.line === undefined ? first.file : `${first.file}:${first.line}`;
  const message = `${ref.kind} ${ref.namespace}/${ref.name} is defined at ${place} already, which holds; remove one.`;
  report.report('duplicate-object', [], message);
  return true;
}

function toDiagnostic(file: string, problem: SourceProblem): Diagnostic {
  const { code, message, line, column } = problem;
  return {
    code,
    severity: DIAGNOSTIC_KINDS[code].severity,
    message,
    position: { file, ...(line !== undefined && { line }), ...(column !== undefined && { column }) },
  };
}
