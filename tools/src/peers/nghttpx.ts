import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { certFile, keyFile, type Subject } from './subject-setup.ts';

/**
 * `proto=h2` backends of one group, as its manual has it for gRPC: it keeps one connection to each and balances requests.
 * Its access log goes nowhere already; everything else is its default.
 */
export const nghttpx: Subject = {
  version: { command: 'nghttpx', args: ['--version'] },
  command({ port, backendPorts, folder, tls }) {
    // Without one of its own it would read that of the machine.
    const conf = join(folder, 'nghttpx.conf');
    writeFileSync(conf, '');
    return {
      command: 'nghttpx',
      args: [
        `--conf=${conf}`,
        `-f127.0.0.1,${port}${tls === undefined ? ';no-tls' : ''}`,
        ...backendPorts.map((backendPort) => `-b127.0.0.1,${backendPort};;proto=h2`),
        '-n1',
        '--errorlog-file=/dev/null',
        '--accesslog-file=',
        ...(tls === undefined ? [] : [keyFile(folder), certFile(folder)]),
      ],
    };
  },
};
