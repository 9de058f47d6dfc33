/** What the module of a suite exports. */
export interface SuiteModule {
  /** Runs the suite with its own options; resolves with the exit code. Results go to stdout, progress to stderr. */
  readonly runSuite: (args: readonly string[]) => Promise<number>;
}

export interface Suite {
  readonly name: string;
  readonly about: string;
  readonly load: () => Promise<SuiteModule>;
}

/** The suite that a command line means and its options; undefined when it names none that exists. */
export function parseSuite(
  suites: readonly Suite[],
  args: readonly string[],
): { readonly suite: Suite; readonly named: boolean; readonly args: readonly string[] } | undefined {
  const [first] = args;
  const named = first !== undefined && !first.startsWith('-');
  const suite = named ? suites.find(({ name }) => name === first) : suites[0];
  return suite === undefined ? undefined : { suite, named, args: named ? args.slice(1) : args };
}

export function renderSuites(suites: readonly Suite[]): string {
  const width = Math.max(...suites.map(({ name }) => name.length));
  return suites.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}\n`).join('');
}
