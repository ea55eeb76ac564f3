// @ts-check
// What is remembered of conversations, in memory and, as far as the browser lets us, in its storage. Everything is
// bounded: the oldest goes first. What comes out of the storage is looked at like what comes from anybody.

import { linkOf } from './files.js';
import { identityOf, nameOf } from './lime.js';

/** @typedef {import('./files.js').Link} Link */

/**
 * How far an own message has come. Each state comes before those behind it; failed is an end.
 * @typedef {'pending' | 'accepted' | 'dispatched' | 'received' | 'consumed' | 'failed'} Progress
 */

/** @type {Progress[]} */
export const progress = ['pending', 'accepted', 'dispatched', 'received', 'consumed'];

/**
 * One line of a conversation.
 * @typedef {object} Line
 * @property {string} id
 * @property {boolean} own
 * @property {string} from identity of its sender
 * @property {string} text
 * @property {Link} [file] that it is about; the text is what is said of it, or else its name
 * @property {number} at milliseconds since 1970
 * @property {Progress} [state] of an own one
 * @property {string} [why] it failed
 * @property {string} [reply] node that receipts go to, of one that is yet to be consumed
 */

/**
 * @typedef {object} Conversation
 * @property {string} key identity of the other one in small letters, or a room's path
 * @property {string} title
 * @property {boolean} room
 * @property {number} unread
 * @property {number} last when something happened in it
 * @property {Line[]} lines
 * @property {string} [position] of a room: up to where it is known
 */

const limits = { conversations: 40, lines: 200, text: 20_000 };

/** Storage that may be missing, full or forbidden. */
export const storage = {
  /**
   * @param {'local' | 'session'} kind
   * @param {string} key
   * @returns {any}
   */
  read(kind, key) {
    try {
      return JSON.parse((kind === 'local' ? localStorage : sessionStorage).getItem(key) ?? 'null');
    } catch {
      return null;
    }
  },
  /**
   * @param {'local' | 'session'} kind
   * @param {string} key
   * @param {unknown} value
   */
  write(kind, key, value) {
    try {
      (kind === 'local' ? localStorage : sessionStorage).setItem(key, JSON.stringify(value));
      return true;
    } catch {
      return false; // the page does without
    }
  },
};

/** @param {unknown} value @param {number} most */
const textOf = (value, most = 2048) => (typeof value === 'string' ? value.slice(0, most) : '');
/** @param {unknown} value */
const numberOf = (value) => (typeof value === 'number' && Number.isFinite(value) ? value : 0);

/**
 * lineOf reads a line that was stored; null for none.
 * @param {any} v
 * @returns {Line | null}
 */
function lineOf(v) {
  if (v === null || typeof v !== 'object' || !textOf(v.id) || !textOf(v.from)) return null;
  /** @type {Line} */
  const line = { id: textOf(v.id), own: v.own === true, from: textOf(v.from), text: textOf(v.text, limits.text), at: numberOf(v.at) };
  const file = v.file ? linkOf({ ...v.file, title: v.file.name }) : null;
  if (file) line.file = file;
  if (line.own) line.state = v.state === 'failed' || progress.includes(v.state) ? v.state : 'pending';
  if (textOf(v.why)) line.why = textOf(v.why);
  if (textOf(v.reply)) line.reply = textOf(v.reply);
  return line;
}

/**
 * later tells which of two states is the one further on.
 * @param {Progress | undefined} a
 * @param {Progress | undefined} b
 */
const further = (a, b) => progress.indexOf(/** @type {Progress} */ (b)) > progress.indexOf(/** @type {Progress} */ (a));

/** History is what one identity remembers. */
export class History {
  /** @param {string} identity */
  constructor(identity) {
    this.storageKey = `limegrove.chat.${identity.toLowerCase()}`;
    /** @type {Map<string, Conversation>} */
    this.conversations = new Map();
    this.timer = 0;
    this.absorb(storage.read('local', this.storageKey));
  }

  /**
   * absorb takes what is stored, by this page before or by another of the same identity in this browser, into what is
   * here. It tells whether that changed anything.
   * @param {any} stored
   */
  absorb(stored) {
    if (!Array.isArray(stored)) return false;
    let changed = false;
    for (const v of stored.slice(0, limits.conversations)) {
      if (v === null || typeof v !== 'object' || !textOf(v.key) || !Array.isArray(v.lines)) continue;
      const known = this.conversations.has(textOf(v.key));
      const c = v.room === true ? this.room(textOf(v.key)) : this.person(textOf(v.title) || textOf(v.key));
      c.last = Math.max(c.last, numberOf(v.last));
      if (!known) c.unread = numberOf(v.unread);
      if (!c.position && /^\d{1,20}$/.test(textOf(v.position))) c.position = textOf(v.position);
      changed ||= !known;
      for (const one of v.lines.slice(-limits.lines)) {
        const line = lineOf(one);
        if (!line) continue;
        const here = this.find(c, line.id, line.own, line.from);
        if (!here) {
          if (known) this.#insert(c, line);
          else c.lines.push(line); // in the order in which they came
          changed = true;
        } else if (line.own && here.state !== line.state && (line.state === 'failed' || further(here.state, line.state))) {
          here.state = line.state;
          here.why = line.why;
          changed = true;
        }
      }
    }
    return changed;
  }

  /** save stores it all, a moment later. */
  save() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.saveNow(), 250);
  }

  /** saveNow stores it all; of what does not fit the older half goes. */
  saveNow() {
    clearTimeout(this.timer);
    const all = this.list();
    for (let lines = limits.lines; lines >= 10; lines >>= 1) {
      if (storage.write('local', this.storageKey, all.map((c) => ({ ...c, lines: c.lines.slice(-lines) })))) return;
    }
  }

  /** list returns all conversations, the latest first. */
  list() {
    return [...this.conversations.values()].sort((a, b) => b.last - a.last);
  }

  /**
   * person returns the conversation with somebody, which may be a new one.
   * @param {string} node
   */
  person(node) {
    const identity = identityOf(node);
    return this.#conversation(identity.toLowerCase(), identity, false);
  }

  /**
   * room returns the conversation in a room, likewise.
   * @param {string} path
   */
  room(path) {
    return this.#conversation(path, path, true);
  }

  /**
   * @param {string} key
   * @param {string} title
   * @param {boolean} room
   */
  #conversation(key, title, room) {
    let c = this.conversations.get(key);
    if (!c) {
      c = { key, title, room, unread: 0, last: 0, lines: [] };
      this.conversations.set(key, c);
      if (this.conversations.size > limits.conversations) {
        const oldest = this.list().findLast((one) => one.key !== key && !one.room);
        if (oldest) this.conversations.delete(oldest.key);
      }
    }
    return c;
  }

  /**
   * find returns a line by what tells it from others: ids are each sender's own.
   * @param {Conversation} c
   * @param {string} id
   * @param {boolean} own
   * @param {string} from
   */
  find(c, id, own, from) {
    return c.lines.findLast((l) => l.id === id && l.own === own && (own || l.from.toLowerCase() === from.toLowerCase()));
  }

  /**
   * add puts a line behind those that are there.
   * @param {Conversation} c
   * @param {Line} line
   */
  add(c, line) {
    line.text = line.text.slice(0, limits.text);
    c.lines.push(line);
    this.#bound(c);
    c.last = Math.max(c.last, line.at);
    this.save();
  }

  /**
   * insert puts a line of another page where it belongs by its time.
   * @param {Conversation} c
   * @param {Line} line
   */
  #insert(c, line) {
    const behind = c.lines.findLastIndex((l) => l.at <= line.at);
    c.lines.splice(behind + 1, 0, line);
    this.#bound(c);
  }

  /** bound forgets the oldest lines, but for those that are yet to be sent. @param {Conversation} c */
  #bound(c) {
    while (c.lines.length > limits.lines) {
      const oldest = c.lines.findIndex((l) => l.state !== 'pending');
      c.lines.splice(Math.max(oldest, 0), 1);
    }
  }

  /**
   * progressed notes how far an own message has come, and returns it with its conversation; null when there is no news.
   * @param {string} id
   * @param {Progress} state
   * @param {string} [why]
   */
  progressed(id, state, why) {
    for (const c of this.conversations.values()) {
      const line = this.find(c, id, true, '');
      if (!line) continue;
      if (state !== 'failed' && !further(line.state, state)) return null;
      if (state === 'failed' && line.state === 'consumed') return null;
      line.state = state;
      line.why = why;
      this.save();
      return { conversation: c, line };
    }
    return null;
  }

  /** pending returns the own lines that the server has not confirmed, in order. */
  pending() {
    const all = [];
    for (const c of this.conversations.values()) {
      for (const line of c.lines) if (line.state === 'pending') all.push({ conversation: c, line });
    }
    return all.sort((a, b) => a.line.at - b.line.at);
  }
}

/**
 * titleOf is what a conversation is called.
 * @param {Conversation} c
 */
export function titleOf(c) {
  if (!c.room) return nameOf(c.title);
  const name = c.key.split('/').pop() ?? '';
  return name === 'lobby' ? 'Lobby' : name;
}
