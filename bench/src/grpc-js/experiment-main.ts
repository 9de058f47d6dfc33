/** One experiment, a process of its own; prints its rows as JSON. Usage: experiment-main.js NAME PORT ROUNDS */
import { register } from '@steelyard/grpc-js';
import { EXPERIMENTS } from './experiments.ts';
import { registerManualResolver } from './manual-resolver.ts';

const [name = '', port = '', rounds = ''] = process.argv.slice(2);
const experiment = EXPERIMENTS.get(name);
if (experiment === undefined) throw new Error(`there is no experiment ${name}`);
register();
registerManualResolver();
const rows = await experiment.run(Number(port), Number(rounds), (text) => process.stderr.write(`${text}\n`));
process.stdout.write(`${JSON.stringify(rows)}\n`, () => process.exit(0));
