// @ts-check
// The envelopes of this page's sessions, for those who learn the protocol.

import { by, element, preciseTimeOf } from './dom.js';
import { identityOf, withoutSecrets } from './lime.js';

/** @typedef {import('./lime.js').Envelope} Envelope */

/** How many are kept, and how many characters of one are shown. */
const most = 200;
const longest = 8_000;

/**
 * kindOf tells what an envelope is, and what of it comes first to mind.
 * @param {Envelope} e
 */
function kindOf(e) {
  if (e.state !== undefined) return { kind: 'session', what: e.state };
  if (e.method !== undefined) return { kind: 'command', what: [e.method, e.uri, e.status].filter(Boolean).join(' ') };
  if (e.event !== undefined) return { kind: 'notification', what: e.event };
  return { kind: 'message', what: typeof e.content === 'string' ? e.content : (e.type ?? '') };
}

/** Envelopes is the list beside the chat. */
export class Envelopes {
  constructor() {
    this.list = by('envelope-list', HTMLOListElement);
    /** @type {{direction: 'in' | 'out', at: number, envelope: Envelope}[]} */
    this.all = [];
    this.shown = false;
  }

  /**
   * add notes an envelope.
   * @param {'in' | 'out'} direction
   * @param {Envelope} envelope
   */
  add(direction, envelope) {
    const one = { direction, at: Date.now(), envelope: withoutSecrets(envelope) };
    this.all.push(one);
    if (this.all.length > most) this.all.shift();
    if (this.shown) this.#append(one);
  }

  /** @param {boolean} shown */
  show(shown) {
    this.shown = shown;
    this.list.replaceChildren();
    if (shown) for (const one of this.all) this.#append(one);
  }

  clear() {
    this.all = [];
    this.list.replaceChildren();
  }

  /** @param {{direction: 'in' | 'out', at: number, envelope: Envelope}} one */
  #append({ direction, at, envelope }) {
    const { kind, what } = kindOf(envelope);
    const other = direction === 'in' ? envelope.from : envelope.to;
    const entry = element('details', { class: 'envelope', 'data-kind': kind, 'data-direction': direction },
      element('summary', {},
        element('span', { class: 'arrow', 'aria-hidden': 'true' }, direction === 'in' ? '↓' : '↑'),
        element('span', { class: 'visually-hidden' }, direction === 'in' ? 'received' : 'sent'),
        element('span', { class: 'head-line' }, element('span', { class: 'kind' }, kind),
          element('span', { class: 'other' }, other ? ` ${direction === 'in' ? 'from' : 'to'} ${identityOf(other)}` : '')),
        element('time', {}, preciseTimeOf(at)), element('span', { class: 'what' }, what.slice(0, 120))));
    entry.addEventListener('toggle', () => {
      if (!entry.open || entry.childElementCount > 1) return;
      const text = JSON.stringify(envelope, null, 2);
      entry.append(element('pre', { tabindex: '0', 'aria-label': 'The envelope' }, text.length > longest ? `${text.slice(0, longest)}\n…` : text));
    });
    const follows = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    this.list.append(element('li', {}, entry));
    while (this.list.childElementCount > most) this.list.firstElementChild?.remove();
    if (follows) this.list.scrollTop = this.list.scrollHeight;
  }
}
