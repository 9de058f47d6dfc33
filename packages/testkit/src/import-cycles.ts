/**
 * The cycles of a graph of files, each once, as a path that ends where it begins. Depth first: an edge to a file that is still
 * open closes a cycle.
 */
export function importCycles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const open: string[] = [];
  const visit = (file: string): void => {
    const start = open.indexOf(file);
    if (start >= 0) {
      cycles.push([...open.slice(start), file]);
      return;
    }
    if (done.has(file)) return;
    open.push(file);
    for (const target of edges.get(file) ?? []) visit(target);
    open.pop();
    done.add(file);
  };
  for (const file of edges.keys()) visit(file);
  return cycles;
}
