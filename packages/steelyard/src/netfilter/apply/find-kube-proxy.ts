import { readdir, readFile, readlink } from 'node:fs/promises';

/** The process id of a kube-proxy that writes rules in our network namespace; `undefined` when none is seen. */
export async function findKubeProxy(proc = '/proc'): Promise<number | undefined> {
  const own = await readlink(`${proc}/self/ns/net`).catch(() => undefined);
  for (const entry of await readdir(proc)) {
    if (!/^\d+$/.test(entry)) continue;
    // Processes come and go while this looks.
    const name = await readFile(`${proc}/${entry}/comm`, 'utf8').catch(() => '');
    if (name.trim() !== 'kube-proxy') continue;
    const theirs = await readlink(`${proc}/${entry}/ns/net`).catch(() => own);
    if (theirs === own) return Number(entry);
  }
  return undefined;
}
