/** The words of a line of `iptables-save`: quoted ones without their quotes. */
export function wordsOf(line: string): string[] {
  if (!line.includes('"')) return line.split(' ').filter((word) => word !== '');
  const words: string[] = [];
  for (const [, quoted, plain] of line.matchAll(/"((?:[^"\\]|\\.)*)"?|(\S+)/g)) {
    words.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll(/\\(.)/g, '$1'));
  }
  return words;
}

/** Reads the words of a rule one after the other. */
export class WordReader {
  readonly #words: readonly string[];
  #next = 0;

  constructor(words: readonly string[], start: number) {
    this.#words = words;
    this.#next = start;
  }

  get done(): boolean {
    return this.#next >= this.#words.length;
  }

  peek(): string | undefined {
    return this.#words[this.#next];
  }

  /** The next word; empty at the end, as in a line that was cut off. */
  take(): string {
    return this.#words[this.#next++] ?? '';
  }
}
