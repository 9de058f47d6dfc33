import type { ParsedObjects, SourceDocument } from '../../config/index.ts';
import type { Diagnostic, ObjectRef } from '../../model/index.ts';
import { groupBy } from '../group-by.ts';

type Path = readonly (string | number)[];

/** The document of an object, and where in it the object stands. */
interface ObjectSource {
  readonly document: SourceDocument;
  readonly base: Path;
}

/**
 * Objects keep the places of few of their fields, so what is found out about others later points at the object, or at
 * what is around the field. While the documents are at hand, it is made to point at the field that it names.
 *
 * @param documents those that `parsed` was read from, in their order
 */
export function locateFindings(
  findings: readonly Diagnostic[],
  parsed: Pick<ParsedObjects, 'objects'>,
  documents: readonly SourceDocument[],
): readonly Diagnostic[] {
  const sources = indexSources(parsed, documents);
  return findings.map((finding) => {
    const { object, path } = finding;
    const source = object === undefined ? undefined : sources.get(keyOf(object));
    return path === undefined || source === undefined ? finding : locateFinding(finding, path, source);
  });
}

function keyOf({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace}/${name}`;
}

function indexSources(
  { objects }: Pick<ParsedObjects, 'objects'>,
  documents: readonly SourceDocument[],
): ReadonlyMap<string, ObjectSource> {
  const byFile = groupBy(documents, ({ file }) => file);

  const sources = new Map<string, ObjectSource>();
  for (const { object, origin } of objects) {
    const document = byFile.get(origin.file)?.[origin.document];
    const base = origin.item === undefined ? [] : ['items', origin.item];
    // Of an object in a List in a List only the outer place is known.
    if (document === undefined || stepsTo(document.value, base, ['metadata', 'name']).value !== object.name) continue;
    sources.set(keyOf(object), { document, base });
  }
  return sources;
}

function locateFinding(finding: Diagnostic, path: string, { document, base }: ObjectSource): Diagnostic {
  const { file } = document;
  const { steps } = stepsTo(document.value, base, parsePath(path));
  const exact = document.locate(steps);
  const { line, column } = finding.position ?? {};
  if (exact === undefined || finding.position?.file !== file) return finding;
  // Whatever points elsewhere has its reason.
  const isAround = steps.slice(base.length).some((_, index) => {
    const outer = document.locate(steps.slice(0, base.length + index));
    return outer?.line === line && outer?.column === column;
  });
  return isAround ? { ...finding, position: { file, line: exact.line, column: exact.column } } : finding;
}

/** Of kubectl's spelling. */
function parsePath(path: string): readonly string[] {
  return [...path.matchAll(/\[(?<index>[^\]]*)\]|(?<key>[^.[\]]+)/g)].map(
    ({ groups }) => groups?.['index'] ?? groups?.['key'] ?? '',
  );
}

/** The path in the document, and what is there. An entry of `portLevelSettings` is named by its port: `[port 8000]`. */
function stepsTo(
  root: unknown,
  base: Path,
  path: readonly string[],
): { readonly steps: Path; readonly value: unknown } {
  let value = base.reduce(valueAt, root);
  const steps = [...base];
  for (const text of path) {
    const port = Array.isArray(value) ? /^port (?<number>\d+)$/.exec(text)?.groups?.['number'] : undefined;
    const step: string | number =
      Array.isArray(value) && port !== undefined
        ? value.findIndex((entry: unknown) => valueAt(valueAt(entry, 'port'), 'number') === Number(port))
        : Array.isArray(value)
          ? Number(text)
          : text;
    steps.push(step);
    value = valueAt(value, step);
  }
  return { steps, value };
}

function valueAt(value: unknown, step: string | number): unknown {
  if (Array.isArray(value)) return value[Number(step)];
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, step)?.value;
}
