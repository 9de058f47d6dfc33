import type { CompilerOptions } from '@steelyard/core/compile';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';

/** Who the callers are: what rules compare with `sourceLabels`, `workloadSelector` and places. */
export interface ClientOptions {
  readonly labels?: NonNullable<CompilerOptions['clientLabels']>;
  readonly locality?: NonNullable<CompilerOptions['clientLocality']>;
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
    );
}

/** As the compiler takes it. */
export function clientOf({
  labels,
  locality,
}: ClientOptions): Pick<CompilerOptions, 'clientLabels' | 'clientLocality'> {
  return {
    ...(labels !== undefined && { clientLabels: labels }),
    ...(locality !== undefined && { clientLocality: locality }),
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
