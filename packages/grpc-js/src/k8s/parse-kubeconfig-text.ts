import { TargetError } from '../targets/target-error.ts';

interface Line {
  readonly number: number;
  readonly indent: number;
  readonly text: string;
}

/**
 * Reads a kubeconfig: JSON, or the plain block YAML that kubectl and the cloud tools write (mappings, lists, one-line
 * scalars). What needs a whole YAML parser (anchors, flow collections, block scalars) is refused, with its line; `kubectl
 * config view --raw -o json` turns any of it into JSON.
 *
 * @throws TargetError
 */
export function parseKubeconfigText(text: string, path: string): unknown {
  if (text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new TargetError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const lines: Line[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const trimmed = raw.trim();
    if (trimmed === '' || trimmed.startsWith('#') || trimmed === '---') continue;
    lines.push({ number: index + 1, indent: raw.length - raw.trimStart().length, text: trimmed });
  }
  return new BlockReader(lines, path).read();
}

class BlockReader {
  readonly #lines: readonly Line[];
  readonly #path: string;
  #at = 0;

  constructor(lines: readonly Line[], path: string) {
    this.#lines = lines;
    this.#path = path;
  }

  read(): unknown {
    const value = this.#block(0);
    const left = this.#lines[this.#at];
    if (left !== undefined) throw this.#refuse(left);
    return value;
  }

  /** The mapping or list whose lines are indented by `least` or more. */
  #block(least: number): unknown {
    const first = this.#lines[this.#at];
    if (first === undefined || first.indent < least) return null;
    return isItem(first) ? this.#list(first.indent) : this.#mapping(first.indent);
  }

  #list(indent: number): unknown[] {
    const items: unknown[] = [];
    for (let line = this.#lines[this.#at]; line?.indent === indent && isItem(line); line = this.#lines[this.#at]) {
      const rest = line.text.slice(1).trimStart();
      if (rest === '') {
        this.#at++;
        items.push(this.#block(indent + 1));
      } else if (splitKey(rest) === undefined) {
        this.#at++;
        items.push(this.#scalar(rest, line));
      } else {
        // The first key stands beside the dash; the others below it.
        items.push(this.#mapping(indent + line.text.length - rest.length, rest));
      }
    }
    return items;
  }

  #mapping(indent: number, firstText?: string): Readonly<Record<string, unknown>> {
    const entries: [string, unknown][] = [];
    let text = firstText;
    for (let line = this.#lines[this.#at]; line !== undefined; line = this.#lines[this.#at]) {
      if (text === undefined && (line.indent !== indent || isItem(line))) break;
      const found = splitKey(text ?? line.text);
      if (found === undefined) throw this.#refuse(line);
      text = undefined;
      this.#at++;
      const [key, rest] = found;
      entries.push([key, rest === '' ? this.#nested(indent) : this.#scalar(this.#continued(rest, indent), line)]);
    }
    return Object.fromEntries(entries);
  }

  /** A list may stand at the indentation of its key. */
  #nested(indent: number): unknown {
    const next = this.#lines[this.#at];
    return next?.indent === indent && isItem(next) ? this.#list(indent) : this.#block(indent + 1);
  }

  /** A plain scalar goes on over lines that are indented further, as install hints of plugins do (YAML 1.2 §7.3.3). */
  #continued(text: string, indent: number): string {
    if (/^[[{"'&*!|>%@`#]/.test(text)) return text;
    let whole = text;
    for (let line = this.#lines[this.#at]; line !== undefined && line.indent > indent; line = this.#lines[this.#at]) {
      if (isItem(line) || splitKey(line.text) !== undefined) break;
      whole = `${whole.replace(/\s+#.*$/, '')} ${line.text}`;
      this.#at++;
    }
    return whole;
  }

  #scalar(text: string, line: Line): unknown {
    if (text === '{}') return {};
    if (text === '[]') return [];
    const quote = text[0];
    if (quote === '"' || quote === "'") {
      const end = text.lastIndexOf(quote);
      if (end === 0 || !/^\s*(?:#.*)?$/.test(text.slice(end + 1))) throw this.#refuse(line);
      const inner = text.slice(1, end);
      if (quote === "'") return inner.replaceAll("''", "'");
      try {
        return JSON.parse(text.slice(0, end + 1));
      } catch {
        throw this.#refuse(line);
      }
    }
    if (/^[&*!|>{[%@`]/.test(text)) throw this.#refuse(line);
    const plain = text.replace(/\s+#.*$/, '');
    return plain === 'true' ? true : plain === 'false' ? false : plain === 'null' || plain === '~' ? null : plain;
  }

  #refuse(line: Line): TargetError {
    return new TargetError(
      `${this.#path}:${line.number}: cannot be read; turn the file into JSON by "kubectl config view --raw -o json"`,
    );
  }
}

function isItem({ text }: Line): boolean {
  return text === '-' || text.startsWith('- ');
}

function splitKey(text: string): [string, string] | undefined {
  const found = /^(?:"([^"]+)"|'([^']+)'|([^\s"'&*!|>{[%@`#-][^:#]*?|[\w-][^:#]*?))\s*:(?:\s+(.*))?$/.exec(text);
  if (found === null) return undefined;
  return [found[1] ?? found[2] ?? found[3] ?? '', found[4]?.startsWith('#') === true ? '' : (found[4] ?? '')];
}
