import type { Logger } from '../../log.ts';
import { formatAddress, type SocketAddress } from '../../net-address.ts';
import { type Admin, type AdminSubject, startAdmin } from '../../proxy/index.ts';

export interface NodeAdmin {
  ready(subject: AdminSubject): void;
  draining(): void;
  close(): Promise<void>;
}

const RETRY_MS = 1000;

/**
 * The admin port, as soon as it can be had: in an upgrade the old process has it until it ends, and the new one must not wait
 * for that before it takes the calls over.
 */
export function openNodeAdmin(
  listen: SocketAddress | undefined,
  log: Logger,
  onDrain: () => void,
  retryMs: number = RETRY_MS,
): NodeAdmin {
  let admin: Admin | undefined;
  let subject: AdminSubject | undefined;
  let timer: NodeJS.Timeout | undefined;
  let draining = false;
  let closed = false;
  let opening: Promise<void> = Promise.resolve();
  let told = false;

  const open = async (address: SocketAddress): Promise<void> => {
    try {
      const opened = await startAdmin({ listen: address, log, onDrain });
      admin = opened;
      if (subject !== undefined) opened.ready(subject);
      if (draining) opened.draining();
      log.info(`the admin port is ${formatAddress(opened.address)}`);
    } catch (error) {
      if (!told) log.warn(`the admin port waits: ${error instanceof Error ? error.message : String(error)}`);
      told = true;
      if (closed) return;
      timer = setTimeout(() => {
        opening = open(address);
      }, retryMs).unref();
    }
  };
  if (listen !== undefined) opening = open(listen);

  return {
    ready(next) {
      subject = next;
      admin?.ready(next);
    },
    draining() {
      draining = true;
      admin?.draining();
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await opening;
      await admin?.close();
    },
  };
}
