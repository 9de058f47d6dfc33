/** A part of a file that holds a document of its own. */
export interface Chunk {
  readonly text: string;
  /** Line of the file it starts on, from 1. */
  readonly firstLine: number;
}

/**
 * Splits a YAML stream before every line that starts with the marker `---`, which can be no content wherever it stands
 * (YAML 1.2.2 §9.1.2, c-forbidden). A parser that reads on after an open quote would lose all that follows.
 */
export function splitDocuments(text: string): readonly Chunk[] {
  const chunks: Chunk[] = [];
  let start = 0;
  let firstLine = 1;
  let line = 1;
  let isPrefix = true;
  for (let from = 0; from < text.length; line++) {
    const end = text.indexOf('\n', from);
    const next = end < 0 ? text.length : end + 1;
    // Comments and directives (`%YAML`) before a marker belong to the document it starts (§6.8).
    const isMarker = /^---(?=\s|$)/.test(text.slice(from, Math.min(next, from + 4)));
    if (isMarker && !isPrefix) {
      chunks.push({ text: text.slice(start, from), firstLine });
      start = from;
      firstLine = line;
    }
    if (isMarker) isPrefix = false;
    else if (isPrefix) isPrefix = /^\s*$|^\s*#|^%/.test(text.slice(from, next));
    from = next;
  }
  if (text.length > start) chunks.push({ text: text.slice(start), firstLine });
  return chunks;
}
