import {
  type Document,
  isAlias,
  isCollection,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
} from 'yaml';
import type { SourceDocument, SourceProblem } from '@steelyard/core/config';
import { splitDocuments } from './split-documents.ts';

/**
 * Every document of a manifest, JSON being YAML. One that is no valid YAML says so in its `problems` and costs nothing
 * but itself. Never throws.
 */
export function parseManifest(file: string, text: string): readonly SourceDocument[] {
  return splitDocuments(text).flatMap((chunk) => {
    const lines = new LineCounter();
    // YAML 1.2 with the merge keys (`<<`) of 1.1, which kubectl understands too.
    const parsed = parseAllDocuments(chunk.text, { lineCounter: lines, merge: true, prettyErrors: false });
    const end = chunk.text.trimEnd().length;
    const placeOf = (offset: number): Place => {
      // What is missing is missed at the end: point at the end of the text, not at the lines behind it.
      const { line, col } = lines.linePos(Math.min(offset, end));
      return { line: chunk.firstLine + line - 1, column: col };
    };
    return Array.isArray(parsed) ? parsed.map((document) => readDocument(file, document, placeOf)) : [];
  });
}

interface Place {
  readonly line: number;
  readonly column: number;
}

function readDocument(file: string, document: Document.Parsed, placeOf: (offset: number) => Place): SourceDocument {
  const problems: SourceProblem[] = [];
  const add = (code: SourceProblem['code'], message: string, offset: number): void => {
    problems.push({ code, message: toSentence(message), ...placeOf(offset) });
  };
  // What follows the first error is mostly its echo.
  const [error] = document.errors;
  if (error !== undefined) add('syntax-error', error.message, error.pos[0]);
  for (const warning of document.warnings) add('syntax-warning', warning.message, warning.pos[0]);
  const locate = (path: readonly (string | number)[]): Place | undefined => {
    const offset = offsetOf(document, path);
    return offset === undefined ? undefined : placeOf(offset);
  };
  if (error !== undefined) return { file, value: undefined, locate, problems };
  try {
    return { file, value: document.toJS(), locate, ...(problems.length > 0 && { problems }) };
  } catch (thrown) {
    // An alias without anchor, or aliases that multiply beyond bounds.
    add('syntax-error', thrown instanceof Error ? thrown.message : String(thrown), document.range[0]);
    return { file, value: undefined, locate, problems };
  }
}

/** Where the field at `path` starts, its key if it has one; what is nearest above when there is no such field. */
function offsetOf(document: Document.Parsed, path: readonly (string | number)[]): number | undefined {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? document.range[0];
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (!isCollection(node)) break;
    const item: unknown = isSeq(node)
      ? node.items[Number(step)]
      : node.items.find((candidate: unknown) => isPair(candidate) && keyOf(candidate.key) === String(step));
    if (item === undefined) break;
    offset = (isPair(item) ? startOf(item.key) : startOf(item)) ?? offset;
    node = isPair(item) ? item.value : item;
  }
  return offset;
}

function keyOf(key: unknown): string | undefined {
  return isScalar(key) ? String(key.value) : undefined;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

/** The parser's messages are one line without a full stop, some with an excerpt below. */
function toSentence(message: string): string {
  const [first = ''] = message.split('\n');
  return first.endsWith('.') ? first : `${first}.`;
}
