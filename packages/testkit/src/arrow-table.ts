/** A part of the program with its own imports: a package, or a folder inside one. */
export interface Room {
  /** Folder from the root of the workspace. The longest match decides which room a file is in. */
  readonly folder: string;
  /** Folders of the rooms it may import; itself always. */
  readonly mayImport: readonly string[];
  /** No `node:` import and no dependency: it runs anywhere, and time and I/O come in from outside. */
  readonly pure?: true;
}

const core = ['model', 'config', 'compile', 'routing', 'balance', 'health'].map((name) => `packages/core/src/${name}`);
const [model = ''] = core;
const http2 = 'packages/http2/src';
const xds = 'packages/xds/src';
const grpcJs = 'packages/grpc-js/src';
const program = 'packages/steelyard/src';
const ways = ['kube', 'netfilter', 'dns', 'proxy'].map((name) => `${program}/${name}`);
const shared = [...core, http2, xds, program];

/**
 * The arrows of docs/ARCHITECTURE.md as data. A folder that is not here is an error, so a new room states its arrows first.
 */
export const ARROWS: readonly Room[] = [
  { folder: model, mayImport: [], pure: true },
  ...core.slice(1).map((folder): Room => ({ folder, mayImport: core, pure: true })),
  { folder: http2, mayImport: [], pure: true },
  { folder: xds, mayImport: core },
  { folder: grpcJs, mayImport: [...core, xds] },
  // What lies beside the rooms of the program (`log.ts`, …) is for all of them, so it depends on none.
  { folder: program, mayImport: core },
  ...ways.map((folder): Room => ({ folder, mayImport: shared })),
  { folder: `${program}/control`, mayImport: [...shared, ...ways] },
  { folder: `${program}/lab`, mayImport: [...shared, ...ways, grpcJs] },
  { folder: `${program}/cli`, mayImport: [...shared, ...ways, grpcJs, `${program}/control`, `${program}/lab`] },
  { folder: 'packages/console/src', mayImport: core },
  { folder: 'packages/testkit/src', mayImport: [...core, http2, xds] },
  { folder: 'tools/src', mayImport: [] },
  // The benchmark measures the program from outside, as a process; it shares the starting of peers with the conformance suites.
  { folder: 'bench/src', mayImport: ['tools/src', 'bench/src/grpc-js', 'bench/src/core'] },
  // But the library is measured where it runs: in the caller.
  { folder: 'bench/src/grpc-js', mayImport: ['tools/src', 'bench/src', ...core, grpcJs] },
  // And the core has no process of its own.
  { folder: 'bench/src/core', mayImport: ['bench/src', ...core] },
];

/** Only tests may use it: what it holds is not installed with the packages. */
export const TESTKIT = 'packages/testkit/src';
