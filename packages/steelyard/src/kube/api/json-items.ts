const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

const ITEMS = '"items":[';

/**
 * Reads the JSON of a List as it comes, one item at a time: a list of 100,000 objects is never held as one text.
 * `metadata` may stand before or after the items (typed kinds and custom resources differ).
 */
export class JsonItems {
  /** What is not in `items`, as JSON. */
  #envelope = '';
  #rest: Buffer = Buffer.alloc(0);
  /** Where in `#rest` the reading goes on, and where the current item or piece of the envelope began. */
  #at = 0;
  #from = 0;
  #depth = 0;
  #inString = false;
  #inItems = false;

  /** The items that `chunk` completes. Throws SyntaxError when one is not JSON. */
  push(chunk: Buffer): unknown[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const items: unknown[] = [];
    const bytes = this.#rest;
    while (this.#at < bytes.length) {
      const byte = bytes[this.#at];
      if (this.#inString) {
        if (byte === BACKSLASH) {
          // The escaped octet may be in the next chunk.
          if (this.#at + 1 >= bytes.length) break;
          this.#at++;
        } else if (byte === QUOTE) this.#inString = false;
      } else if (byte === QUOTE) this.#inString = true;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#open(byte);
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        const item = this.#close();
        if (item !== undefined) items.push(item);
      }
      this.#at++;
    }
    this.#keep();
    return items;
  }

  /** The List without its items. Throws SyntaxError when the JSON is not complete. */
  finish(): unknown {
    return JSON.parse(this.#envelope + this.#rest.toString('utf8', this.#from));
  }

  #open(byte: number): void {
    if (this.#inItems && this.#depth === 2 && byte === OPEN_BRACE) this.#from = this.#at;
    this.#depth++;
    if (byte !== OPEN_BRACKET || this.#depth !== 2) return;
    const before = this.#envelope + this.#rest.toString('utf8', this.#from, this.#at + 1);
    if (!before.replaceAll(/\s+/g, '').endsWith(ITEMS)) return;
    this.#envelope = before;
    this.#inItems = true;
    this.#from = this.#at + 1;
  }

  #close(): unknown {
    this.#depth--;
    if (!this.#inItems) return undefined;
    if (this.#depth === 1) {
      this.#inItems = false;
      this.#from = this.#at;
      return undefined;
    }
    if (this.#depth !== 2) return undefined;
    const item: unknown = JSON.parse(this.#rest.toString('utf8', this.#from, this.#at + 1));
    this.#from = this.#at + 1;
    return item;
  }

  /** Lets go of what has been read. */
  #keep(): void {
    if (!this.#inItems && this.#depth <= 1 && !this.#inString) {
      this.#envelope += this.#rest.toString('utf8', this.#from, this.#at);
      this.#from = this.#at;
    }
    this.#rest = this.#rest.subarray(this.#from);
    this.#at -= this.#from;
    this.#from = 0;
  }
}
