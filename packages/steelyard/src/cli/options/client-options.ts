import type { CallerOptions } from '@steelyard/core/compile';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';

/** Who the callers are: what rules compare with `sourceLabels`, `workloadSelector` and places. */
export interface ClientOptions {
  /** Namespace of the callers, where it is not that of `-n`. */
  readonly callersNamespace?: string;
  readonly labels?: NonNullable<CallerOptions['clientLabels']>;
  readonly locality?: NonNullable<CallerOptions['clientLocality']>;
  readonly nodeName?: string;
  readonly gateways?: readonly string[];
}

/** Each can come from the environment, where the downward API puts what a Pod knows of itself. */
export function addClientOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--labels <key=value,...>', 'labels of the callers, which rules may go by')
        .argParser(parseLabels)
        .env('STEELYARD_LABELS'),
    )
    .addOption(
      new Option('--locality <region/zone/subzone>', 'where the callers are, for rules that keep calls near')
        .argParser(parseLocality)
        .env('STEELYARD_LOCALITY'),
    )
    .addOption(
      new Option('--node-name <name>', 'the node the callers are on, which says where they are')
        .argParser(parseNodeName)
        .env('STEELYARD_NODE_NAME'),
    )
    .addOption(
      new Option('--gateways <name,...>', 'what is served: mesh (the default), or gateways as NAMESPACE/NAME')
        .argParser(parseGateways)
        .env('STEELYARD_GATEWAYS'),
    );
}

/** As the compiler takes it. */
export function clientOf({ callersNamespace, labels, locality, nodeName, gateways }: ClientOptions): CallerOptions {
  return {
    ...(callersNamespace !== undefined && { clientNamespace: callersNamespace }),
    ...(labels !== undefined && { clientLabels: labels }),
    ...(locality !== undefined && { clientLocality: locality }),
    ...(nodeName !== undefined && { clientNode: nodeName }),
    ...(gateways !== undefined && { gateways }),
  };
}

/** kubernetes.io, "Labels and Selectors": a name of at most 63 characters, perhaps below a DNS name. */
const NAME = '[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';
const LABEL = new RegExp(`^(?<key>(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?${NAME})=(?<value>(?:${NAME})?)$`);

/** `app=web,tier=front`; empty is none. */
export function parseLabels(text: string): Readonly<Record<string, string>> {
  const parts = text.split(',').filter((part) => part !== '');
  return Object.fromEntries(
    parts.map((part) => {
      const { key, value } = LABEL.exec(part)?.groups ?? {};
      if (key === undefined || value === undefined) {
        throw new InvalidArgumentError(`"${part}" is no label; write KEY=VALUE,..., as app=web,tier=front.`);
      }
      return [key, value];
    }),
  );
}

/** `europe-west1/europe-west1-b`, perhaps with a subzone; the region may be left out, as `/zone-a`. */
export function parseLocality(text: string): NonNullable<ClientOptions['locality']> {
  const [region = '', zone = '', subzone = '', ...more] = text.split('/');
  const isPlace = [region, zone, subzone].every((part) => part === '' || new RegExp(`^${NAME}$`).test(part));
  if (!isPlace || more.length > 0 || region + zone === '' || (zone === '' && subzone !== '')) {
    throw new InvalidArgumentError('Write REGION/ZONE or REGION/ZONE/SUBZONE, as europe-west1/europe-west1-b.');
  }
  return { region, zone, subzone };
}

const DNS_NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

export function parseNodeName(text: string): string {
  if (DNS_NAME.test(text)) return text;
  throw new InvalidArgumentError('Write the name of a Node, as kubectl get nodes shows it.');
}

/** `mesh`, `istio-system/ingress`, or several of these. */
export function parseGateways(text: string): readonly string[] {
  const gateways = text.split(',').filter((part) => part !== '');
  const wrong = gateways.find((gateway) => {
    const [namespace = '', name = '', ...more] = gateway.split('/');
    return gateway !== 'mesh' && !(DNS_NAME.test(namespace) && DNS_NAME.test(name) && more.length === 0);
  });
  if (wrong === undefined && gateways.length > 0) return gateways;
  throw new InvalidArgumentError('Write mesh, or gateways as NAMESPACE/NAME,..., as istio-system/ingress.');
}
