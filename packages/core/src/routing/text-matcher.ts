import { createRegex } from '../config/index.ts';
import type { TextMatch } from '../model/index.ts';

/** Whether a text is there and fits. */
export type TextMatcher = (text: string | undefined) => boolean;

export function createTextMatcher(match: TextMatch, ignoreCase = false): TextMatcher {
  switch (match.kind) {
    case 'exact': {
      const wanted = ignoreCase ? match.text.toLowerCase() : match.text;
      return ignoreCase ? (text) => text?.toLowerCase() === wanted : (text) => text === wanted;
    }
    case 'prefix': {
      const wanted = ignoreCase ? match.text.toLowerCase() : match.text;
      return ignoreCase
        ? (text) => text?.toLowerCase().startsWith(wanted) === true
        : (text) => text?.startsWith(wanted) === true;
    }
    case 'regex': {
      const { matches } = createRegex(match.pattern);
      return (text) => text !== undefined && matches(text);
    }
    case 'present':
      return (text) => text !== undefined;
    default:
      return match satisfies never;
  }
}

/** The condition in words: `is "/a"`, `begins with "/a"`. */
export function renderTextMatch(match: TextMatch): string {
  switch (match.kind) {
    case 'exact':
      return `is ${JSON.stringify(match.text)}`;
    case 'prefix':
      return `begins with ${JSON.stringify(match.text)}`;
    case 'regex':
      return `matches ${match.pattern}`;
    case 'present':
      return 'is there';
    default:
      return match satisfies never;
  }
}
