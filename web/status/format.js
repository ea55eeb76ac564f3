// @ts-check
// Numbers and times, as people read them.

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const fine = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 0 });

/** @param {number} n */
export const count = (n) => (n < 100_000 ? whole : short).format(n);

/** rate is a number a second. @param {number} n */
export const rate = (n) => (n > 0 && n < 10 ? fine : n < 10_000 ? whole : short).format(n);

/** @param {number} part */
export const percent = (part) => percents.format(part);

/** bytes is a size, in powers of 1024. @param {number} n */
export function bytes(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (n >= 1000 && unit < units.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${(n < 10 && unit > 0 ? fine : whole).format(n)} ${units[unit]}`;
}

/** time is a short time. @param {number} seconds */
export function time(seconds) {
  if (seconds < 0.001) return `${whole.format(seconds * 1e6)} µs`;
  if (seconds < 1) return `${(seconds < 0.01 ? fine : whole).format(seconds * 1000)} ms`;
  return long(seconds);
}

/** long is a time in its two greatest units. @param {number} seconds */
export function long(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor(s / 3600) % 24} h`;
}

/** plural is a number of things. @param {number} n @param {string} one @param {string} [many] */
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
