import { isatty } from 'node:tty';
import type { CliContext, CliStream } from './cli-context.ts';
import { EXIT } from './exit-code.ts';
import { runProgram } from './run-program.ts';

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
  const { columns } = stream;
  return {
    write: (text) => void stream.write(text),
    isTerminal,
    hasColors,
    // A terminal that does not know says 0.
    ...(isTerminal && columns > 0 && { columns }),
  };
}

const context: CliContext = {
  stdout: streamOf(process.stdout),
  stderr: streamOf(process.stderr),
  setExitCode: (code) => {
    process.exitCode = code;
  },
};

await runProgram(process.argv, context);
