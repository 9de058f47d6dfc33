#!/usr/bin/env node
// Only a launcher: the program is dist/cli/main.js, compiled from src.
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('error: steelyard is not built yet: run `npm run build` in the repository first\n');
  process.exitCode = 2;
}
