/** What a command may touch of the outside. */
export interface CliContext {
  /** Results. */
  readonly stdout: CliStream;
  /** Chatter. */
  readonly stderr: CliStream;
  readonly setExitCode: (code: number) => void;
}

export interface CliStream {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  /** How wide it is; absent where that is nobody's business. */
  readonly columns?: number;
  /** On a terminal, unless NO_COLOR is set (no-color.org). */
  readonly hasColors: boolean;
}
