import { isSubjectName, type SubjectName } from '@steelyard/tools/peers';
import { ratioLimit } from './bars.ts';
import { settingAbout, settingName, subjectTitle } from './names.ts';
import type { ProxyReport, Ratio } from './report.ts';
import { groupBy } from '../../statistics.ts';

/** Colours in light and in dark, told apart by those who see few colours too. */
const COLOURS: Partial<Record<SubjectName, readonly [light: string, dark: string]>> = {
  nghttpx: ['#2a78d6', '#5b9dec'],
  haproxy: ['#c2570c', '#f0883e'],
  nginx: ['#1a8754', '#3fb37f'],
  envoy: ['#7c4dbd', '#a98be0'],
};
const WIDTH = 880;
const LEFT = 300;
const RIGHT = 74;
const TOP = 104;
const BAR = 10;
const STEP = 13;
const GROUP_GAP = 14;
/** Bars that would be longer are cut off here, with an arrow. */
const MOST = 1.5;
const TICKS = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5];

const x = (ratio: number): number => Math.round(LEFT + (Math.min(ratio, MOST) / MOST) * (WIDTH - LEFT - RIGHT));

/** Our CPU time per call over each peer's as bars, grouped by shape; legible on light and dark ground. */
export function renderSvg(report: ProxyReport): string {
  const groups = [...groupBy(report.ratios, ({ shape, upstreams }) => settingName(shape, upstreams)).values()];
  const peers = [...new Set(report.ratios.map(({ peer }) => peer))];
  let y = TOP;
  const rows = groups.map((group) => {
    const at = y;
    y += Math.max(group.length * STEP, 2 * STEP + 6) + GROUP_GAP;
    return renderGroup(group, at);
  });
  const bottom = y - GROUP_GAP + 6;
  const height = bottom + 54;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title about">
<title id="title">CPU time per call: Steelyard over its peers</title>
<desc id="about">${escape(summary(report))}</desc>
<style>
${style(peers)}
</style>
<rect class="ground" width="${WIDTH}" height="${height}" rx="6"/>
<text class="head" x="24" y="34">CPU time per call: Steelyard over each peer</text>
<text class="sub" x="24" y="54">Shorter is better: at 0.5 Steelyard takes half of the peer’s CPU time for the same calls, at 1 the same.</text>
${legend(peers)}
${TICKS.map((tick) => axis(tick, bottom)).join('\n')}
${rows.join('\n')}
<text class="sub" x="24" y="${height - 14}">${escape(footer(report))}</text>
</svg>
`;
}

function style(peers: readonly SubjectName[]): string {
  const fill = (dark: 0 | 1): string =>
    peers.map((peer) => `.${peer}{fill:${COLOURS[peer]?.[dark] ?? '#888888'}}`).join('');
  return `text{font-family:system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;font-size:12px;fill:#1f2328}
.head{font-size:17px;font-weight:600}.name{font-weight:600}
.sub{fill:#59636e}.value{font-size:11px}.on{paint-order:stroke;stroke:#ffffff;stroke-width:4px}
.ground{fill:#ffffff}.grid{stroke:#d8dee4}.one{stroke:#1f2328;stroke-width:1.5}
.range{stroke:#1f2328;stroke-opacity:.55}.limit{stroke:#1f2328;stroke-width:2}
${fill(0)}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.sub{fill:#9198a1}.ground{fill:#0d1117}.grid{stroke:#2f353d}
.one,.range,.limit{stroke:#e6edf3}.on{stroke:#0d1117}
${fill(1)}}`;
}

function legend(peers: readonly SubjectName[]): string {
  const items = peers.map(
    (peer, index) =>
      `<rect class="${peer}" x="${LEFT + index * 90}" y="66" width="12" height="12" rx="2"/>` +
      `<text x="${LEFT + index * 90 + 17}" y="76.500">${subjectTitle(peer)}</text>`,
  );
  const at = LEFT + peers.length * 90;
  items.push(
    `<line class="limit" x1="${at + 4}" x2="${at + 4}" y1="65" y2="79"/><text x="${at + 12}" y="76.500">our bar</text>`,
    `<line class="range" x1="${at + 76}" x2="${at + 94}" y1="72" y2="72"/><text x="${at + 100}" y="76.500">rounds</text>`,
  );
  return items.join('\n').replaceAll('.500', '.5');
}

function axis(tick: number, bottom: number): string {
  const at = x(tick);
  const line = `<line class="${tick === 1 ? 'one' : 'grid'}" x1="${at}" x2="${at}" y1="${TOP - 8}" y2="${bottom}"/>`;
  const label = tick === 1 ? '1 = the same' : String(tick);
  return `${line}<text class="${tick === 1 ? 'value' : 'sub value'}" x="${at}" y="${bottom + 15}" text-anchor="middle">${label}</text>`;
}

function renderGroup(group: readonly Ratio[], top: number): string {
  const [first] = group;
  if (first === undefined) return '';
  const { shape, upstreams } = first;
  const [about = '', rest = ''] = wrap(settingAbout(shape, upstreams), 46);
  const labels =
    `<text class="name" x="24" y="${top + 10}">${escape(settingName(shape, upstreams))}</text>` +
    `<text class="sub value" x="24" y="${top + 24}">${escape(about)}</text>` +
    (rest === '' ? '' : `<text class="sub value" x="24" y="${top + 37}">${escape(rest)}</text>`);
  return [labels, ...group.map((each, index) => renderBar(each, top + index * STEP))].join('\n');
}

function renderBar({ shape, upstreams, peer, ratio: { median, least, most } }: Ratio, top: number): string {
  const end = x(median);
  const middle = top + BAR / 2;
  const limit = ratioLimit(shape, upstreams, peer);
  const limitLine =
    limit === undefined
      ? ''
      : `<line class="limit" x1="${x(limit)}" x2="${x(limit)}" y1="${top - 1}" y2="${top + BAR + 1}"/>`;
  const labelAt = Math.max(end, x(most), limit === undefined ? 0 : x(limit)) + 6;
  const value = `${median.toFixed(2)}${median > MOST ? ' →' : ''}`;
  return (
    `<rect class="${peer}" x="${LEFT}" y="${top}" width="${Math.max(1, end - LEFT)}" height="${BAR}" rx="1.5">` +
    `<title>${escape(settingName(shape, upstreams))}, over ${subjectTitle(peer)}: ${median} [${least}–${most}]</title></rect>` +
    `<line class="range" x1="${x(least)}" x2="${x(most)}" y1="${middle}" y2="${middle}"/>${limitLine}` +
    `<text class="value on" x="${labelAt}" y="${top + 9}">${value}</text>`
  );
}

/** Two lines at most. */
function wrap(text: string, most: number): string[] {
  if (text.length <= most) return [text];
  const at = text.lastIndexOf(' ', most);
  return [text.slice(0, at), text.slice(at + 1)];
}

function summary({ ratios }: ProxyReport): string {
  return ratios
    .map(
      ({ shape, upstreams, peer, ratio }) =>
        `${settingName(shape, upstreams)} over ${subjectTitle(peer)} ${ratio.median.toFixed(2)}`,
    )
    .join('; ');
}

function footer({ date, rounds, machine, versions }: ProxyReport): string {
  const peers = Object.entries(versions)
    .filter(([name]) => name !== 'steelyard')
    .map(([name, version]) => `${isSubjectName(name) ? subjectTitle(name) : 'Node'} ${version}`);
  return `Medians of ${rounds} rounds, ${date.slice(0, 10)}, ${machine.cpus} CPUs; ${peers.join(', ')}`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
