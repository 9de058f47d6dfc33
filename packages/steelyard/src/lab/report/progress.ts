import type { LabProgress } from '../run-lab.ts';

export interface ProgressOptions {
  readonly write: (text: string) => void;
  /** One line, written over and over; otherwise a line per phase. */
  readonly terminal: boolean;
}

/** {@link LabProgress} on a stream; `clear` leaves a terminal's line as it was found. */
export function createProgress({ write, terminal }: ProgressOptions): LabProgress & { clear(): void } {
  // Back to the first column, then erase to the end of the line (ECMA-48 EL).
  const eraseLine = '\r\u001B[K';
  if (!terminal) {
    return {
      phase: (text) => write(`${text} …\n`),
      calls: () => undefined,
      clear: () => undefined,
    };
  }
  return {
    phase: (text) => write(`${eraseLine}${text} …`),
    calls: (way, done, total) => write(`${eraseLine}${way}: ${done} of ${total} calls`),
    clear: () => write(eraseLine),
  };
}
