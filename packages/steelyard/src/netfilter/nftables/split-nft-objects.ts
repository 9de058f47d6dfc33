import type { DumpFinding } from '../trace/dump-finding.ts';
import { fieldOf, listOf } from '../json-value.ts';

/** The objects of `{"nftables": […]}`; of a text that was cut off, those that are whole. */
export function splitNftObjects(text: string, findings: DumpFinding[]): readonly unknown[] {
  const whole = parseJson(text);
  const listed = listOf(fieldOf(whole, 'nftables'));
  if (listed !== undefined) return listed;
  const start = /^\s*\{\s*"nftables"\s*:\s*\[/.exec(text)?.[0].length;
  if (start === undefined) {
    findings.push({ message: 'This is not what nft prints as JSON; make it with: nft -j list ruleset' });
    return [];
  }
  const objects: unknown[] = [];
  for (const part of wholeObjects(text, start)) {
    const object = parseJson(part);
    if (object === undefined) break;
    objects.push(object);
  }
  findings.push({ message: 'The dump ends in the middle: what follows is missing.' });
  return objects;
}

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

function* wholeObjects(text: string, start: number): Generator<string> {
  let depth = 0;
  let from = start;
  let inString = false;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (inString) {
      if (character === '\\') at++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') {
      if (depth === 0) from = at;
      depth++;
    } else if (character === '}' || character === ']') {
      depth--;
      if (depth === 0) yield text.slice(from, at + 1);
      if (depth < 0) return;
    }
  }
}
