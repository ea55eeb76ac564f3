// @ts-check
// Files beside messages: where they are kept, and what is believed of a link to one, which is what somebody sends. It
// knows nothing of what is seen.

/**
 * A link to a file, as it may be shown. What it says of the file is its sender's word.
 * @typedef {object} Link
 * @property {string} uri of http or https
 * @property {string} name
 * @property {string} type media type in small letters, "" for none
 * @property {number} size in bytes, 0 when it is not known
 */

/** Where the cluster keeps files, and how long one may be, in bytes; null for nowhere. */
export const kept = (() => {
  const said = document.querySelector('meta[name="limegrove-files"]');
  const most = Number(said?.getAttribute('data-size'));
  const at = urlOf(said?.getAttribute('content') ?? '');
  // A page that came in TLS may fetch nothing in clear.
  if (!at || !(most > 0) || (location.protocol === 'https:' && at.protocol !== 'https:')) return null;
  return { url: at.href.replace(/\/$/, ''), most };
})();

/** urlOf reads an address of http or https that names no user; null for any other. @param {string} text */
function urlOf(text) {
  try {
    const at = new URL(text);
    return /^https?:$/.test(at.protocol) && !at.username && !at.password ? at : null;
  } catch {
    return null;
  }
}

/** What is in no name: controls, what turns the direction of writing, and what is not seen. */
const unseen = /[\p{Cc}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

/**
 * nameOfFile makes of a text a name of at most 255 bytes, which is shown as it reads. The end of one that is too long
 * stays, which tells what it is.
 * @param {string} text
 */
export function nameOfFile(text) {
  const all = [...text.slice(0, 4096).normalize('NFC').replace(/[/\\]/g, '_').replace(unseen, '').replace(/\s+/gu, ' ').trim()];
  const encoder = new TextEncoder();
  while (encoder.encode(all.join('')).length > 255) all.splice(Math.max(0, all.length - 24), 1);
  return all.join('') || 'file';
}

/** kindOf is what a file's name ends in, which decides what opens it. @param {string} name */
export const kindOf = (name) => (/\.([\p{L}\p{N}]{1,8})$/u.exec(name)?.[1] ?? '').toUpperCase();

/** Units of sizes, each 1,024 of the one before. */
const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];

/** sizeOf writes a number of bytes for people. @param {number} bytes */
export function sizeOf(bytes) {
  let unit = 0;
  for (; bytes >= 1024 && unit < units.length - 1; unit++) bytes /= 1024;
  return `${new Intl.NumberFormat(undefined, { maximumFractionDigits: unit && bytes < 100 ? 1 : 0 }).format(bytes)} ${units[unit]}`;
}

/**
 * linkOf reads the content of a media link; null for what is none, or leads to what no page may open.
 * @param {any} content
 * @returns {Link | null}
 */
export function linkOf(content) {
  if (content === null || typeof content !== 'object' || typeof content.uri !== 'string' || content.uri.length > 2048) return null;
  const at = urlOf(content.uri);
  if (!at || at.href.length > 2048) return null;
  const title = typeof content.title === 'string' ? content.title : '';
  const type = String(content.type ?? '').toLowerCase();
  return {
    uri: at.href,
    name: nameOfFile(title.trim() || lastOf(at)),
    type: /^[a-z0-9][\w.+-]{0,80}\/[\w.+-]{1,80}$/.test(type) ? type : '',
    size: Number.isSafeInteger(content.size) && content.size > 0 ? content.size : 0,
  };
}

/** lastOf is what an address ends in. @param {URL} at */
function lastOf(at) {
  const last = at.pathname.split('/').pop() ?? '';
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** isOurs tells whether a link leads to where this cluster keeps its files. @param {string} uri */
export function isOurs(uri) {
  const within = `${kept?.url}/files/`;
  return kept !== null && uri.startsWith(within) && /^[A-Z2-7]{26}\/[\w-]{22}(\/[^?#]*)?$/.test(uri.slice(within.length));
}

/** hostOf is who serves a link. @param {string} uri */
export const hostOf = (uri) => urlOf(uri)?.host ?? '';

/**
 * What the server of files says of one: undefined while it does not answer, null when there is none any more.
 * @typedef {{name: string, type: string, size: number} | null | undefined} Found
 */

/** What was asked, by links; the oldest is forgotten first. @type {Map<string, Promise<Found>>} */
const asked = new Map();

/**
 * look asks the server of files about a link of ours. It is asked again when it did not answer.
 * @param {string} uri
 * @returns {Promise<Found>}
 */
export function look(uri) {
  let answer = asked.get(uri);
  if (!answer) {
    answer = ask(uri).catch(() => {
      asked.delete(uri);
      return undefined;
    });
    asked.set(uri, answer);
    if (asked.size > 500) asked.delete(asked.keys().next().value ?? '');
  }
  return answer;
}

/** How a link is fetched: without what would tell who does, and from where. @type {RequestInit} */
const quietly = { credentials: 'omit', referrerPolicy: 'no-referrer', redirect: 'error' };

/** @param {string} uri @returns {Promise<Found>} */
async function ask(uri) {
  const answer = await fetch(uri, { ...quietly, method: 'HEAD' });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`${answer.status}`);
  const says = answer.headers.get('Content-Disposition') ?? '';
  const escaped = /filename\*=utf-8''([^;\s]+)/i.exec(says);
  const plain = /filename=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(says);
  const name = escaped ? decodeURIComponent(escaped[1]) : plain ? (plain[1]?.replace(/\\(.)/g, '$1') ?? plain[2]) : '';
  return {
    name: name && nameOfFile(name),
    type: (answer.headers.get('Content-Type') ?? '').toLowerCase(),
    size: Number(answer.headers.get('Content-Length')) || 0,
  };
}

/** What a picture may have to be shown without being asked for: bytes, pixels; and how much of it is read before. */
const picture = { bytes: 8 << 20, pixels: 40_000_000, head: 128 << 10 };

/**
 * pictureAt tells how large the picture behind a link of ours is, in pixels; null when it is none that may be shown. What
 * it is called does not count but with how it begins: a few bytes may say that they are more pixels than a machine has memory for.
 * @param {string} uri
 * @returns {Promise<{width: number, height: number} | null>}
 */
export async function pictureAt(uri) {
  const found = await look(uri);
  if (!found || found.size > picture.bytes || !readers.has(found.type)) return null;
  try {
    const answer = await fetch(uri, { ...quietly, headers: { Range: `bytes=0-${Math.min(picture.head, found.size) - 1}` } });
    if (answer.status !== 206) return null;
    const size = readers.get(found.type)?.(new DataView(await answer.arrayBuffer()));
    return size && size.width > 0 && size.height > 0 && size.width * size.height <= picture.pixels ? size : null;
  } catch {
    return null; // also what ends too early
  }
}

/** @param {DataView} v @param {number} at @param {string} text */
const says = (v, at, text) => [...text].every((c, i) => v.getUint8(at + i) === c.charCodeAt(0));

/** Readers of sizes in pixels, by media types: those that browsers show and that have no scripts. @type {Map<string, (v: DataView) => {width: number, height: number} | null>} */
const readers = new Map([
  ['image/png', (v) => (says(v, 0, '\x89PNG\r\n\x1a\n') && says(v, 12, 'IHDR') ? { width: v.getUint32(16), height: v.getUint32(20) } : null)],
  ['image/gif', (v) => (says(v, 0, 'GIF87a') || says(v, 0, 'GIF89a') ? { width: v.getUint16(6, true), height: v.getUint16(8, true) } : null)],
  ['image/jpeg', sizeOfJPEG],
  ['image/webp', sizeOfWebP],
]);

/** sizeOfJPEG goes from segment to segment up to that of the frame. ITU T.81, annex B. @param {DataView} v */
function sizeOfJPEG(v) {
  if (v.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; v.getUint8(at) === 0xff; at += 2 + v.getUint16(at + 2)) {
    const kind = v.getUint8(at + 1);
    if (kind >= 0xc0 && kind <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(kind)) return { width: v.getUint16(at + 7), height: v.getUint16(at + 5) };
  }
  return null;
}

/** sizeOfWebP reads the first chunk. RFC 9649, section 2. @param {DataView} v */
function sizeOfWebP(v) {
  if (!says(v, 0, 'RIFF') || !says(v, 8, 'WEBP')) return null;
  if (says(v, 12, 'VP8 ')) return { width: v.getUint16(26, true) & 0x3fff, height: v.getUint16(28, true) & 0x3fff };
  if (says(v, 12, 'VP8L')) {
    const bits = v.getUint32(21, true);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (!says(v, 12, 'VP8X')) return null;
  return { width: (v.getUint32(24, true) & 0xffffff) + 1, height: (v.getUint32(26, true) >>> 8) + 1 };
}
