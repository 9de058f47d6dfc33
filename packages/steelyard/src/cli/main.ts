import { isatty } from 'node:tty';
import { CommanderError } from 'commander';
import type { CliContext, CliStream } from './cli-context.ts';
import { describeFailure } from './describe-failure.ts';
import { EXIT } from './exit-code.ts';
import { createProgram } from './program.ts';
import { Stopped } from './stop-signal.ts';

function streamOf(stream: NodeJS.WriteStream & { readonly fd: number }): CliStream {
  // `| head` closes early: not an error of ours, and nobody is left to tell.
  stream.on('error', (error) => {
    if ('code' in error && error.code === 'EPIPE') process.exit(EXIT.fine);
    throw error;
  });
  // `stream.isTTY` is undefined, not false, on a pipe: a colour library would take that for "decide by CI and FORCE_COLOR".
  const isTerminal = isatty(stream.fd);
  const noColor = process.env['NO_COLOR'];
  const hasColors = isTerminal && (noColor === undefined || noColor === '') && process.env['TERM'] !== 'dumb';
  return { write: (text) => void stream.write(text), isTerminal, hasColors };
}

const context: CliContext = {
  stdout: streamOf(process.stdout),
  stderr: streamOf(process.stderr),
  setExitCode: (code) => {
    process.exitCode = code;
  },
};

try {
  await createProgram(context).parseAsync(process.argv);
} catch (error) {
  // commander has already said what it had to say.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.fine : EXIT.usage;
  else if (error instanceof Stopped) process.exitCode = error.exitCode;
  else {
    const failure = describeFailure(error);
    if (failure === undefined) {
      process.exitCode = EXIT.bug;
      const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
      context.stderr.write(`steelyard: this is a bug, please report it\n${stack}\n`);
    } else {
      process.exitCode = EXIT.usage;
      context.stderr.write(`error: ${failure.replaceAll(/\s*[\r\n]+\s*/g, ' ')}\n`);
    }
  }
}
