/** Shared by everything that was said about one thing: false as soon as that thing is another one. */
export interface Validity {
  current: boolean;
}
