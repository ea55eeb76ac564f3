// @ts-check
// The charts: what the cluster did in the last ten minutes.

import { by, element, tell } from './dom.js';
import { count, percent, rate } from './format.js';
import { colour } from './theme.js';

/** @typedef {import('./feed.js').Sample} Sample */
/** @typedef {import('../uplot/uPlot.d.ts')} Plot */

const { uPlot } = /** @type {{ uPlot: typeof import('../uplot/uPlot.d.ts') }} */ (/** @type {unknown} */ (globalThis));

/** Seconds that are shown at most, and at least, where there is little to show. */
const span = 600;
const leastSpan = 60;

/** @typedef {{ name: string, of: (s: Sample) => number, line: number }} Line */

/** @type {{ title: string, says: (n: number) => string, most: number, lines: Line[] }[]} */
const kinds = [
  { title: 'Sessions', says: count, most: 10, lines: [{ name: 'established', of: (s) => s.sessions, line: 1 }] },
  {
    title: 'Envelopes a second', says: rate, most: 10,
    lines: [{ name: 'received', of: (s) => s.received, line: 1 }, { name: 'sent', of: (s) => s.sent, line: 2 }],
  },
  { title: 'Busiest loop', says: percent, most: 0.1, lines: [{ name: 'busy', of: (s) => s.busy, line: 3 }] },
  { title: 'Dropped a second', says: rate, most: 1, lines: [{ name: 'dropped', of: (s) => s.dropped, line: 4 }] },
];

/** Charts draws samples, the oldest first. */
export class Charts {
  /** @type {Sample[]} */
  #samples = [];
  /** @type {{ plot: Plot, figure: HTMLElement, says: HTMLElement[], kind: typeof kinds[number] }[]} */
  #all = [];

  constructor() {
    const at = by('charts', HTMLElement);
    for (const kind of kinds) {
      const now = element('p', { class: 'now' });
      const says = kind.lines.map((line) => {
        const text = element('span', { class: 'text' });
        now.append(element('span', {}, element('i', { class: 'swatch', 'data-line': String(line.line) }), text));
        return text;
      });
      const drawn = element('div', { class: 'plot', role: 'img', 'aria-label': kind.title });
      at.append(element('figure', { class: 'chart' }, element('figcaption', {}, element('h3', {}, kind.title), now), drawn));
      const plot = new uPlot(options(kind, drawn, () => this.#say()), [[], ...kind.lines.map(() => [])], drawn);
      this.#all.push({ plot, figure: drawn, says, kind });
      new ResizeObserver(() => plot.setSize({ width: drawn.clientWidth, height: drawn.clientHeight })).observe(drawn);
    }
  }

  /** begin forgets what was, for a history. @param {Sample[]} samples */
  begin(samples) {
    this.#samples = samples.slice();
    this.#draw();
  }

  /** add adds a sample, and drops those that are too old. @param {Sample} sample */
  add(sample) {
    const last = this.#samples.at(-1);
    if (last && last.at >= sample.at) this.#samples.pop();
    this.#samples.push(sample);
    while (this.#samples[0].at < sample.at - span) this.#samples.shift();
    this.#draw();
  }

  redraw() {
    for (const { plot } of this.#all) plot.redraw(false);
  }

  #draw() {
    const at = this.#samples.map((s) => s.at);
    for (const { plot, kind } of this.#all) {
      plot.setData([at, ...kind.lines.map((line) => this.#samples.map(line.of))]);
    }
    this.#say();
  }

  /** say tells the numbers under the pointer, or the newest ones. */
  #say() {
    for (const { plot, figure, says, kind } of this.#all) {
      const at = plot.cursor.idx ?? this.#samples.length - 1;
      const sample = this.#samples[at];
      const texts = kind.lines.map((line) => (sample ? `${kind.says(line.of(sample))}${kind.lines.length > 1 ? ` ${line.name}` : ''}` : ''));
      texts.forEach((text, i) => tell(says[i], text));
      const newest = this.#samples.at(-1);
      if (newest) figure.setAttribute('aria-label', `${kind.title} in the last ten minutes, now ${kind.lines.map((line) => `${kind.says(line.of(newest))} ${line.name}`).join(', ')}`);
    }
  }
}

/**
 * options are those of one chart.
 * @param {typeof kinds[number]} kind
 * @param {HTMLElement} at
 * @param {() => void} moved
 * @returns {import('../uplot/uPlot.d.ts').Options}
 */
function options(kind, at, moved) {
  const font = '11px system-ui, "Liberation Sans", sans-serif';
  const axis = { stroke: () => colour('--axis'), font, ticks: { show: false }, grid: { stroke: () => colour('--grid'), width: 1 } };
  const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
  const precise = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  return {
    width: Math.max(at.clientWidth, 100), height: Math.max(at.clientHeight, 100),
    padding: [8, 10, 0, 0], legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 }, sync: { key: 'limegrove' } },
    hooks: { setCursor: [moved] },
    scales: {
      x: { time: true, range: (_, from, to) => (to ? [Math.max(to - span, Math.min(from, to - leastSpan)), to] : [0, span]) },
      y: { range: (_, __, to) => [0, Math.max(kind.most, (to ?? 0) * 1.15)] },
    },
    axes: [
      { ...axis, size: 24, space: 60, incrs: [15, 30, 60, 120, 300], values: (_, all, __, ___, step) => all.map((t) => (step < 60 ? precise : clock).format(t * 1000)) },
      { ...axis, size: 46, space: 32, values: (_, all) => all.map((n) => kind.says(n)) },
    ],
    series: [
      {},
      ...kind.lines.map(({ name, line }) => ({
        label: name, width: 1.75, stroke: () => colour(`--line-${line}`), fill: () => colour(`--area-${line}`), points: { show: false },
      })),
    ],
  };
}
