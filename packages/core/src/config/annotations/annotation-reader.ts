import type { IntegerRange } from '../field-reader.ts';
import { parseGoDurationMs } from '../read-duration.ts';
import { type AnnotationName, ANNOTATION_PREFIX } from './annotation-table.ts';
import { closestName } from './closest-name.ts';

/** What is wrong with an annotation, which then has no effect. */
export interface AnnotationProblem {
  readonly code: 'annotation-unknown' | 'annotation-invalid';
  /** With its prefix. */
  readonly annotation: string;
  /** One sentence. */
  readonly message: string;
}

/**
 * Reads a value of the form `word,key=value,…` setting by setting. Bad ones are collected as problems; whoever reads asks
 * for `problems` at the end.
 */
export class AnnotationReader {
  /** What stands before the first `key=value`; empty when nothing does. */
  readonly word: string;
  readonly problems: AnnotationProblem[] = [];
  readonly #annotation: string;
  readonly #settings = new Map<string, string>();
  readonly #asked = new Set<string>();

  constructor(name: AnnotationName, value: string) {
    this.#annotation = `${ANNOTATION_PREFIX}${name}`;
    const parts = value.split(',').map((part) => part.trim());
    const [first = ''] = parts;
    this.word = first.includes('=') ? '' : first;
    for (const part of this.word === '' && first !== '' ? parts : parts.slice(1)) {
      const at = part.indexOf('=');
      const key = part.slice(0, at).trim();
      if (at < 1) this.fail(`"${part}" is not of the form key=value.`);
      else if (this.#settings.has(key)) this.fail(`${key} is said twice; remove one.`);
      else this.#settings.set(key, part.slice(at + 1).trim());
    }
  }

  fail(what: string): undefined {
    this.problems.push({
      code: 'annotation-invalid',
      annotation: this.#annotation,
      message: `Annotation ${this.#annotation} has no effect: ${what}`,
    });
    return undefined;
  }

  has(key: string): boolean {
    return this.#settings.has(key);
  }

  /** Not empty. */
  text(key: string): string | undefined {
    this.#asked.add(key);
    const text = this.#settings.get(key);
    return text === '' ? this.fail(`${key} is empty.`) : text;
  }

  integer(key: string, { min, max }: IntegerRange): number | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    return this.fail(`${key} must be a whole number from ${min} to ${max}, not "${text}".`);
  }

  /** At least 1. */
  durationMs(key: string): number | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const value = Math.round(parseGoDurationMs(text) ?? 0);
    if (value >= 1) return value;
    return this.fail(`${key} must be a duration of at least 1ms, as 50ms or 1.5s, not "${text}".`);
  }

  /** Whether all that was said was asked for and good. */
  finish(): boolean {
    for (const key of this.#settings.keys()) {
      if (this.#asked.has(key)) continue;
      const meant = closestName(key, [...this.#asked]);
      this.fail(`it knows no ${key}; ${meant === undefined ? `it has ${this.#known()}` : `did you mean ${meant}?`}`);
    }
    return this.problems.length === 0;
  }

  #known(): string {
    return this.#asked.size === 0 ? 'no settings.' : `${[...this.#asked].join(', ')}.`;
  }
}
