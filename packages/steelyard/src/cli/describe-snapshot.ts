import type { Snapshot } from '@steelyard/core/model';
import { usableEndpoints } from '@steelyard/core/model';

/** `2 Services, 3 endpoints`; an endpoint behind two Services is one. */
export function describeSnapshot({ services }: Snapshot): string {
  const usable = [...services.values()]
    .flatMap(({ ports }) => ports.flatMap(({ endpoints }) => usableEndpoints(endpoints)))
    .map(({ address, port }) => `${address}:${port}`);
  return `${counted(services.size, 'Service')}, ${counted(new Set(usable).size, 'endpoint')}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
