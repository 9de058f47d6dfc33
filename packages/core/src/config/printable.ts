/**
 * What acts on a terminal or cannot be seen there, by Unicode's general categories: controls (Cc, which begin escape
 * sequences), formats (Cf, which turn the direction of text round: UAX #9), separators of lines (Zl, Zp), and halves of pairs.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** A text of somebody else's as it may go to a terminal, on one line: what would act there is written as an escape. */
export function renderPrintable(text: string): string {
  return text.replaceAll(UNPRINTABLE, (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16).padStart(4, '0');
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex}`;
  });
}
