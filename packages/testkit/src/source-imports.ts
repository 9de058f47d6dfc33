import { parseSync } from 'oxc-parser';

/** One way a module reaches another. */
export interface ImportSite {
  /** As written: `./x.ts`, `node:fs`, `@steelyard/core/model`. */
  readonly specifier: string;
  /** Counts from 1. */
  readonly line: number;
  readonly kind: 'import' | 'export' | 'dynamic' | 'type';
}

/**
 * Every import of a TypeScript source: static imports and re-exports, type imports, `import('x')`, `require('x')`,
 * and `import('x').T` in types. Throws when the source does not parse or an import is not a literal: what cannot be read
 * cannot be checked.
 */
export function importsOf(path: string, text: string): ImportSite[] {
  const { program, errors } = parseSync(path, text);
  const [broken] = errors;
  if (broken !== undefined) throw new Error(`${path}: does not parse: ${broken.message}`);
  const sites: ImportSite[] = [];
  visit(program, (node) => {
    const found = siteOf(node);
    if (found === undefined) return;
    const line = text.slice(0, typeof node['start'] === 'number' ? node['start'] : 0).split('\n').length;
    const specifier = isRecord(found.source) ? found.source['value'] : undefined;
    if (typeof specifier !== 'string') throw new Error(`${path}:${line}: an import must name its module by a literal`);
    sites.push({ specifier, line, kind: found.kind });
  });
  return sites;
}

interface FoundSite {
  readonly kind: ImportSite['kind'];
  readonly source: unknown;
}

/** Node types as the TypeScript ESTree names them. */
function siteOf(node: Readonly<Record<string, unknown>>): FoundSite | undefined {
  switch (node['type']) {
    case 'ImportDeclaration':
      return { kind: node['importKind'] === 'type' ? 'type' : 'import', source: node['source'] };
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return isRecord(node['source'])
        ? { kind: node['exportKind'] === 'type' ? 'type' : 'export', source: node['source'] }
        : undefined;
    case 'ImportExpression':
      return { kind: 'dynamic', source: node['source'] };
    case 'TSImportType':
      return { kind: 'type', source: node['source'] };
    case 'TSExternalModuleReference':
      return { kind: 'import', source: node['expression'] };
    case 'CallExpression': {
      const { callee, arguments: args } = node;
      const isRequire = isRecord(callee) && callee['type'] === 'Identifier' && callee['name'] === 'require';
      return isRequire && Array.isArray(args) ? { kind: 'dynamic', source: args[0] } : undefined;
    }
    default:
      return undefined;
  }
}

function visit(value: unknown, at: (node: Readonly<Record<string, unknown>>) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, at);
  } else if (isRecord(value)) {
    if (typeof value['type'] === 'string') at(value);
    for (const child of Object.values(value)) visit(child, at);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
