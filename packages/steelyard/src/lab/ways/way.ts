/** A path the lab's calls can take from one caller to the pods. */
export type Way = 'service' | 'headless' | 'proxy' | 'node';

/** In the order they are measured and shown. */
export const WAYS: readonly Way[] = ['service', 'headless', 'proxy'];

/** Those there are with `--kernel`, in that order. */
export const KERNEL_WAYS: readonly Way[] = [...WAYS, 'node'];

export function isWay(text: string): text is Way {
  return KERNEL_WAYS.some((way) => way === text);
}
