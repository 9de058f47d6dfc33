import { CommanderError } from 'commander';
import type { CliContext } from './cli-context.ts';
import { describeFailure } from './describe-failure.ts';
import { EXIT } from './exit-code.ts';
import { createProgram } from './program.ts';
import { Stopped } from './stop-signal.ts';

/** Runs a command line to its end; whatever goes wrong is said on stderr and in the exit code. */
export async function runProgram(argv: readonly string[], context: CliContext): Promise<void> {
  try {
    await createProgram(context).parseAsync([...argv]);
  } catch (error) {
    // commander has already said what it had to say.
    if (error instanceof CommanderError) context.setExitCode(error.exitCode === 0 ? EXIT.fine : EXIT.usage);
    else if (error instanceof Stopped) context.setExitCode(error.exitCode);
    else {
      const failure = describeFailure(error);
      if (failure === undefined) {
        context.setExitCode(EXIT.bug);
        const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
        context.stderr.write(`steelyard: this is a bug, please report it\n${stack}\n`);
      } else {
        context.setExitCode(EXIT.usage);
        context.stderr.write(`error: ${failure.replaceAll(/\s*[\r\n]+\s*/g, ' ')}\n`);
      }
    }
  }
}
