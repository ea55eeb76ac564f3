// @ts-check
// Uploads of files: tus 1.0, a part at a time, at whichever edge answers. It knows nothing of what is seen.

import { kept, nameOfFile } from './files.js';
import { Refusal, media, stays } from './lime.js';

/** @typedef {import('./lime.js').Envelope} Envelope */
/** @typedef {import('./files.js').Link} Link */

/**
 * How an upload stands: it waits for others, is on its way, waits for the server, or has come to one of three ends.
 * @typedef {'queued' | 'sending' | 'lost' | 'done' | 'failed' | 'cancelled'} Standing
 */

/** Bytes of a part: a whole number of what the server stores at once. */
const part = 4 << 20;
/** Up to how many bytes the server is told the digest beforehand: the browser has all of it in memory for that. */
const mostDigested = 32 << 20;
/** After what time without any progress a request is given up, in milliseconds. */
const silence = 30_000;
/** How many are on their way at once; the server has four of one identity. */
const atOnce = 2;

/** What ends an upload. */
class End extends Error {}

/** An answer that is none of those that go on. */
class Unlike extends Error {
  /** @param {number} status @param {number} after seconds until it may be tried again */
  constructor(status, after) {
    super(`The server answers ${status}`);
    this.status = status;
    this.after = after;
  }
}

/** What to tell of answers that end an upload. @type {Record<number, string>} */
const ends = {
  404: 'The server has it no longer.',
  413: 'The server does not take it: it is too long, or came in too many pieces.',
  460: 'What came was not the file. It may have changed meanwhile.',
  507: 'The server has no room for files.',
};

/** Upload is one file on its way to the server. */
export class Upload {
  /**
   * @param {File} file
   * @param {(request: Envelope) => Promise<Envelope>} ask
   * @param {() => void} changed is called when there is news of it
   */
  constructor(file, ask, changed) {
    this.file = file;
    this.name = nameOfFile(file.name);
    /** @type {Standing} */
    this.standing = 'queued';
    /** Bytes that the server has, and that are on their way to it. */
    this.sent = 0;
    this.why = '';
    /** The link to the file, once it is there. @type {Link | null} */
    this.link = null;
    this.ask = ask;
    this.changed = changed;
    this.id = '';
    /** @type {{uri: string, token: string} | null} */
    this.ticket = null;
    /** @type {XMLHttpRequest | null} */
    this.request = null;
    this.timer = 0;
    this.wake = () => {};
  }

  get over() {
    return ['done', 'failed', 'cancelled'].includes(this.standing);
  }

  /** @param {Standing} standing @param {string} [why] */
  #become(standing, why = '') {
    if (this.over || (standing === this.standing && why === this.why)) return;
    this.standing = standing;
    this.why = why;
    this.changed();
  }

  /** run sends the file, however often that takes, and returns when it is over. */
  async run() {
    this.#become('sending');
    let wait = 500;
    let at = -1; // where it stands; below 0 when that is to be asked
    while (!this.over) {
      try {
        if (!this.ticket) await this.#renew();
        if (at < 0 && !this.over) at = await this.#where();
        this.#become('sending');
        if (at < this.file.size && !this.over) at = await this.#send(at);
        wait = 500;
        if (at >= this.file.size) this.#become('done');
      } catch (why) {
        at = -1;
        if (why instanceof End || (why instanceof Unlike && ends[why.status])) {
          if (!this.over) this.#forget();
          this.#become('failed', why instanceof Unlike ? ends[why.status] : why.message);
          break;
        }
        if (why instanceof Unlike && (why.status === 401 || why.status === 403)) this.ticket = null;
        this.#become('lost', why instanceof Unlike && why.status === 429 ? 'too many at once' : '');
        const least = why instanceof Unlike ? Math.min(why.after, 60) * 1000 : 0;
        if (!this.over) await this.#pause(Math.max(least, wait / 2 + (Math.random() * wait) / 2));
        wait = Math.min(wait * 2, 10_000);
      }
    }
  }

  /** @param {number} time */
  #pause(time) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, time);
      this.wake = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
  }

  /** renew gets a token: the first with the announcement, others since one is good for an hour. */
  async #renew() {
    try {
      const answer = await this.ask(this.id ? { method: 'get', uri: `/files/${this.id}` } : {
        method: 'set', uri: '/files', type: media.file,
        resource: { name: this.name, size: this.file.size, ...(/^[\w.+-]+\/[\w.+-]+$/.test(this.file.type) && { type: this.file.type }), ...(await this.#digest()) },
      });
      const { id, name, type, size, uri, upload, complete } = answer.resource ?? {};
      if (typeof id !== 'string' || typeof uri !== 'string' || !kept) throw new End('The server’s answer makes no sense.');
      this.id = id;
      this.link = { uri, name: String(name), type: String(type), size: Number(size) };
      if (complete) return this.#become('done');
      if (typeof upload?.token !== 'string' || !String(upload?.uri).startsWith(`${kept.url}/`)) throw new End('The server’s answer makes no sense.');
      this.ticket = { uri: upload.uri, token: upload.token };
      if (this.standing === 'cancelled') this.#forget(); // it was announced meanwhile
    } catch (why) {
      if (why instanceof Refusal && stays(why.code)) throw new End(`${why.message}.`.replace(/\.\.$/, '.'));
      throw why;
    }
  }

  /** digest is what the server is to compare in the end; of nothing where the browser cannot make it, as on a page in clear. */
  async #digest() {
    if (this.file.size > mostDigested || !globalThis.crypto?.subtle) return {};
    const sum = await crypto.subtle.digest('SHA-256', await this.#read(0, this.file.size));
    return { sha256: Array.from(new Uint8Array(sum), (b) => b.toString(16).padStart(2, '0')).join('') };
  }

  /** @param {number} from @param {number} to */
  async #read(from, to) {
    try {
      return await this.file.slice(from, to).arrayBuffer();
    } catch {
      throw new End('It cannot be read. It may have changed, or be gone.');
    }
  }

  /** where asks how much of it the server has. */
  async #where() {
    const at = Number((await this.#request('HEAD', {}, null)).getResponseHeader('Upload-Offset') ?? NaN);
    if (!(at >= 0 && at <= this.file.size)) throw new End('The server’s answer makes no sense.');
    this.#progressed(at);
    return at;
  }

  /** send sends the next part, and returns where it stands then. @param {number} from */
  async #send(from) {
    const body = await this.#read(from, Math.min(from + part, this.file.size));
    if (this.over) return from;
    const answer = await this.#request('PATCH', { 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': String(from) }, body, (n) => this.#progressed(from + n));
    const at = Number(answer.getResponseHeader('Upload-Offset') ?? NaN);
    if (!(at > from && at <= this.file.size)) throw new Error('It has not moved.');
    this.#progressed(at);
    return at;
  }

  /** @param {number} sent */
  #progressed(sent) {
    if (sent === this.sent || this.over) return;
    this.sent = Math.min(sent, this.file.size);
    this.changed();
  }

  /**
   * request makes one of tus, and returns its answer when that is a good one.
   * @param {string} method
   * @param {Record<string, string>} headers
   * @param {ArrayBuffer | null} body
   * @param {(bytes: number) => void} [progressed]
   * @returns {Promise<XMLHttpRequest>}
   */
  #request(method, headers, body, progressed) {
    return new Promise((resolve, reject) => {
      if (!this.ticket) return reject(new Error('There is no token'));
      const r = new XMLHttpRequest(); // fetch tells nothing of how far an upload has come
      this.request = r;
      const alive = () => {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => r.abort(), silence);
      };
      r.open(method, this.ticket.uri);
      for (const [name, value] of Object.entries({ 'Tus-Resumable': '1.0.0', Authorization: `Bearer ${this.ticket.token}`, ...headers })) r.setRequestHeader(name, value);
      r.upload.onprogress = (e) => {
        alive();
        progressed?.(e.loaded);
      };
      r.onloadend = () => {
        clearTimeout(this.timer);
        this.request = null;
        if (r.status >= 200 && r.status < 300) resolve(r);
        else if (r.status) reject(new Unlike(r.status, Number(r.getResponseHeader('Retry-After')) || 0));
        else reject(new Error('The connection was lost'));
      };
      alive();
      r.send(body);
    });
  }

  /** cancel ends it, and has the server forget what has come. */
  cancel() {
    if (this.over) return;
    this.#become('cancelled');
    this.request?.abort();
    this.wake();
    this.#forget();
  }

  /** forget removes it from the server, where it would count for a day; also when the page ends. */
  #forget() {
    if (!this.ticket) return;
    void fetch(this.ticket.uri, {
      method: 'DELETE', keepalive: true, credentials: 'omit', headers: { 'Tus-Resumable': '1.0.0', Authorization: `Bearer ${this.ticket.token}` },
    }).catch(() => {});
    this.ticket = null;
  }
}

/** Uploads are those of a page, of which a few are on their way. */
export class Uploads {
  constructor() {
    /** @type {Upload[]} */
    this.all = [];
  }

  /** add takes one more, whose turn comes. @param {Upload} upload */
  add(upload) {
    this.all.push(upload);
    this.#next();
  }

  /** remove forgets one that is over. @param {Upload} upload */
  remove(upload) {
    this.all = this.all.filter((one) => one !== upload);
  }

  #next() {
    const under = this.all.filter((one) => one.standing === 'sending' || one.standing === 'lost').length;
    const next = this.all.find((one) => one.standing === 'queued');
    if (!next || under >= atOnce) return;
    void next.run().finally(() => this.#next());
    this.#next();
  }

  /** wake has those try now that wait for the server. */
  wake() {
    for (const one of this.all) one.wake();
  }

  get busy() {
    return this.all.some((one) => !one.over);
  }

  cancelAll() {
    for (const one of this.all) one.cancel();
  }
}
