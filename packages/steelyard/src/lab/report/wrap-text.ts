/** Chinese characters take two columns, and a line may end after each of them but before no punctuation; `%` and `ms` stay with their numbers. */
const WIDE = '\\u3000-\\u30ff\\u3400-\\u9fff\\uff00-\\uffef';
const CLOSING = '，。：；、！？）」』》';
const TOKEN = new RegExp(`(?: +)|(?:[（「『《]*(?:[${WIDE}]|[^ ${WIDE}]+(?: (?:%|ms))?)[${CLOSING}]*)`, 'gu');
const WIDE_CHARACTER = new RegExp(`[${WIDE}]`, 'gu');

/** Lines of at most `width` columns, broken at spaces and between Chinese characters; a longer word stands alone on its line. */
export function wrapText(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  let space = '';
  for (const [token] of text.matchAll(TOKEN)) {
    if (token.startsWith(' ')) {
      space = token;
      continue;
    }
    if (line !== '' && columnsOf(line + space + token) > width) {
      lines.push(line);
      line = token;
    } else line += space + token;
    space = '';
  }
  return [...lines, line];
}

/** As {@link wrapText}, each line with something before it, which takes of the width. */
export function indentText(text: string, width: number, first: string, next: string = first): readonly string[] {
  // What the first line has less room than the others, as a part of its first word.
  const excess = Math.max(0, columnsOf(first) - columnsOf(next));
  return wrapText('\0'.repeat(excess) + text, width - columnsOf(next)).map((line, index) =>
    index === 0 ? first + line.slice(excess) : next + line,
  );
}

/** How many columns of a terminal a text takes. */
export function columnsOf(text: string): number {
  return text.length + (text.match(WIDE_CHARACTER)?.length ?? 0);
}
