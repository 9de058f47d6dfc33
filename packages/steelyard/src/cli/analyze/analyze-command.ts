import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { Option } from 'commander';
import { analyzeObjects, analyzeWay, createCompiler, locateFindings, type Way } from '@steelyard/core/compile';
import { type ConfigObject, DIAGNOSTIC_KINDS, parseObjects, renderDiagnostic } from '@steelyard/core/config';
import type { Diagnostic, Severity, Snapshot } from '@steelyard/core/model';
import { noManifest } from '../../kube/open-manifests.ts';
import { checkPaths, createManifestReader, STDIN_PATH } from '../../kube/read-manifests.ts';
import type { CliContext } from '../cli-context.ts';
import { addClientOptions, type ClientOptions, clientOf } from '../options/client-options.ts';
import { EXIT } from '../exit-code.ts';
import { openSource } from '../open-source.ts';
import { ISTIO_CODES } from './istio-codes.ts';
import { collect } from '../options/option-values.ts';
import { renderDiagnosticSummary } from '../render-diagnostic-summary.ts';
import { renderStructured } from '../render-output.ts';
import type { LogOptions, ManifestOptions, OutputFormat } from '../options/shared-options.ts';
import { addLogOptions, addManifestOptions, addOutputOption, isClusterNamed } from '../options/shared-options.ts';
import { UsageError } from '../usage-error.ts';

interface AnalyzeOptions extends ManifestOptions, LogOptions, ClientOptions {
  readonly suppress?: readonly string[];
  readonly failOn: Severity;
  readonly way: Way;
  readonly output: OutputFormat;
}

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'info'];
const WAYS: readonly Way[] = ['service', 'headless', 'library', 'proxy', 'node'];

export function addAnalyzeCommand(program: Command, context: CliContext): void {
  const command = program
    .command('analyze')
    .summary('what is wrong, or not meant so, in Services and Istio objects')
    .description(
      'Reads the manifests, or the cluster, as the proxy would, and reports what is broken, what has no effect, and what ' +
        'gRPC callers will suffer from. Each finding has a code that docs/diagnostics.md explains.',
    )
    .addOption(
      new Option(
        '--suppress <what>',
        "leave out CODE (or Istio's), or CODE=KIND NAME.NAMESPACE, with * for any (repeatable)",
      ).argParser(collect),
    )
    .addOption(
      new Option('--fail-on <severity>', 'exit with 1 from this severity on').choices(SEVERITIES).default('error'),
    );
  command.addOption(
    new Option('--way <way>', 'how the calls get to the pods: what it cannot honour is found')
      .choices(WAYS)
      .default('proxy'),
  );
  addClientOptions(command);
  addManifestOptions(command);
  addOutputOption(command);
  addLogOptions(command, 'warn');
  command.addHelpText(
    'after',
    '\nExit codes: 0 fine, 1 findings from the severity of --fail-on on, 2 wrong usage or input.',
  );
  command.action((options: AnalyzeOptions) => analyze(context, options));
}

async function analyze(context: CliContext, options: AnalyzeOptions): Promise<void> {
  const suppressed = (options.suppress ?? []).map(parseSuppression);
  const isOfCluster = options.filename === undefined || isClusterNamed(options);
  const all = isOfCluster ? await fromCluster(context, options) : await fromManifests(options);
  const findings = all
    .filter((finding) => !suppressed.some((one) => isSuppressed(one, finding)))
    .toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
  context.stdout.write(
    options.output === 'table' ? renderText(findings) : renderStructured({ findings }, options.output),
  );
  const limit = SEVERITIES.indexOf(options.failOn);
  if (findings.some(({ severity }) => SEVERITIES.indexOf(severity) <= limit)) context.setExitCode(EXIT.no);
}

/** Unlike other commands it takes manifests with errors: they are what it is asked for. */
async function fromManifests(options: AnalyzeOptions): Promise<readonly Diagnostic[]> {
  const { filename = [], namespace, clusterDomain } = options;
  await checkPaths(filename);
  const stdin = filename.includes(STDIN_PATH) ? await readAll(process.stdin) : undefined;
  const documents = await createManifestReader(filename, stdin).read();
  // That all is well with nothing is the answer to a path that was meant otherwise.
  if (documents.length === 0) throw noManifest(filename);
  const parsed = parseObjects(documents, { defaultNamespace: namespace });
  const snapshot = createCompiler({ ...clientOf(options), clusterDomain, clientNamespace: namespace }).compile(parsed);
  const objects = parsed.objects.map(({ object }) => object);
  return locateFindings(findingsOf(snapshot, objects, options), parsed, documents);
}

async function fromCluster(context: CliContext, options: AnalyzeOptions): Promise<readonly Diagnostic[]> {
  const { source, showFindings } = await openSource(context, { ...options, watch: false });
  showFindings();
  const { current } = source;
  const objects = source.objects?.() ?? [];
  source.close();
  return findingsOf(current, objects, options);
}

function findingsOf(
  snapshot: Snapshot,
  objects: readonly ConfigObject[],
  { way }: AnalyzeOptions,
): readonly Diagnostic[] {
  return [...snapshot.diagnostics, ...analyzeObjects(snapshot, objects), ...analyzeWay(way, objects)];
}

interface Suppression {
  readonly codes: readonly string[];
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

function parseSuppression(text: string): Suppression {
  const {
    code = '',
    kind,
    name,
    namespace,
  } = /^(?<code>[a-z0-9-]+|IST\d{4})(?:=(?<kind>[A-Za-z]+) (?<name>[-a-z0-9.*]+)\.(?<namespace>[-a-z0-9*]+))?$/.exec(
    text,
  )?.groups ?? {};
  if (code === '')
    throw new UsageError(`--suppress ${JSON.stringify(text)}: write CODE, or "CODE=KIND NAME.NAMESPACE"`);
  const codes = ISTIO_CODES.get(code) ?? (Object.hasOwn(DIAGNOSTIC_KINDS, code) ? [code] : undefined);
  if (codes === undefined) throw new UsageError(`--suppress: there is no code ${code}`);
  return {
    codes,
    ...(kind !== undefined && name !== undefined && namespace !== undefined && { kind, name, namespace }),
  };
}

function isSuppressed({ codes, kind, name, namespace }: Suppression, { code, object }: Diagnostic): boolean {
  if (!codes.includes(code)) return false;
  if (kind === undefined) return true;
  return object?.kind === kind && isMeantBy(name ?? '', object.name) && isMeantBy(namespace ?? '', object.namespace);
}

/** A star stands for any text. */
function isMeantBy(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(text);
}

function renderText(findings: readonly Diagnostic[]): string {
  if (findings.length === 0) return 'No findings.\n';
  const lines = findings.map((finding) => renderDiagnostic(finding));
  return `${lines.join('\n')}\n\n${renderDiagnosticSummary(findings)}\n`;
}
