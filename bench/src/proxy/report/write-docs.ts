import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { renderJson } from '../../keep-report.ts';
import { renderMarkdown } from './render-markdown.ts';
import { renderSvg } from './render-svg.ts';
import type { ProxyReport } from './report.ts';

const BEGIN = '<!-- proxy: written by `npm run bench -- --write-docs` -->';
const END = '<!-- proxy: end -->';

/** Writes the figures into the documentation; what people wrote around them stays. Returns what was written. */
export function writeDocs(
  report: ProxyReport,
  folder: string = resolve(import.meta.dirname, '..', '..', '..', '..', 'docs'),
): readonly string[] {
  const page = join(folder, 'benchmarks.md');
  const svg = join(folder, 'benchmarks.svg');
  const json = join(folder, 'benchmarks.json');
  const text = replaceGenerated(readFileSync(page, 'utf8'), renderMarkdown(report), page);
  writeFileSync(page, text);
  writeFileSync(svg, renderSvg(report));
  writeFileSync(json, renderJson(report));
  return [page, svg, json];
}

/** Throws when the page has no place for it. */
function replaceGenerated(page: string, generated: string, name: string): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`${name}: has no lines ${BEGIN} and ${END}`);
  return `${page.slice(0, from + BEGIN.length)}\n\n${generated}\n\n${page.slice(to)}`;
}
