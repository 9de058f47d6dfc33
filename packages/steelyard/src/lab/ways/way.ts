/** A path the lab's calls can take from one caller to the pods. */
export type Way = 'service' | 'headless' | 'proxy';

/** In the order they are measured and shown. */
export const WAYS: readonly Way[] = ['service', 'headless', 'proxy'];

export function isWay(text: string): text is Way {
  return WAYS.some((way) => way === text);
}
