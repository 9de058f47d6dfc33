/**
 * `npm run bench [-- SUITE] [OPTIONS]`: the measurements, each suite against the peers people use for the same work.
 * Without the name of a suite it is `proxy`. Exit 0 done, 1 the answer is "no", 2 wrong usage.
 */
import { parseSuite, renderSuites, type Suite } from './suites.ts';

/** One line a suite: its folder, what it measures, and its module, loaded only when it is asked for. */
const SUITES: readonly Suite[] = [
  { name: 'proxy', about: 'CPU per call, latency and memory of the L7 proxy', load: () => import('./proxy/suite.ts') },
  {
    name: 'service-rules',
    about: "the kernel's rules beside kube-proxy",
    load: () => import('./service-rules/suite.ts'),
  },
  {
    name: 'grpc-js',
    about: 'the client library beside the policies of grpc-js',
    load: () => import('./grpc-js/suite.ts'),
  },
  { name: 'core', about: 'compiling, routing and picking by themselves', load: () => import('./core/suite.ts') },
  {
    name: 'resilience',
    about: 'pods that fail, are late or are replaced, beside Envoy',
    load: () => import('./resilience/suite.ts'),
  },
  { name: 'dns', about: 'queries a second and latency beside CoreDNS', load: () => import('./dns/suite.ts') },
];

const choice = parseSuite(SUITES, process.argv.slice(2));
if (choice === undefined) {
  process.stderr.write(`bench: there is no suite ${process.argv[2] ?? ''}; there are\n${renderSuites(SUITES)}`);
  process.exitCode = 2;
} else {
  const { runSuite } = await choice.suite.load();
  process.exitCode = await runSuite(choice.args);
  const asked = process.argv.slice(2).some((arg) => arg === '-h' || arg === '--help');
  if (asked && !choice.named)
    process.stdout.write(`\nOther suites, as npm run bench -- NAME:\n${renderSuites(SUITES)}`);
}
