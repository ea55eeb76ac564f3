// @ts-check
// The busiest sessions, and the slow ones.

import { arrange, by, element, tell } from './dom.js';
import { bytes, long, rate } from './format.js';

/** @typedef {import('./feed.js').Session} Session */
/** @typedef {import('./feed.js').Snapshot} Snapshot */

/**
 * show shows both lists.
 * @param {Snapshot} snapshot
 * @param {(incarnation: string | undefined) => string} nameOf
 */
export function showSessions(snapshot, nameOf) {
  const note = snapshot.named ? '' : snapshot.token ? 'unlock to see whole addresses' : 'whole addresses need an admin token';
  for (const id of ['busiest-note', 'slowest-note']) tell(by(id, HTMLElement), note);
  list('busiest', snapshot.busiest, 'Nobody sends or is sent anything.', (s) => [
    `${rate(s.received.envelopes + s.sent.envelopes)} envelopes/s`,
    `${rate(s.received.envelopes)} received, ${rate(s.sent.envelopes)} sent, ${bytes(s.received.bytes + s.sent.bytes)}/s`,
  ], nameOf);
  list('slowest', snapshot.slowest, 'Everybody takes what there is at once.', (s) => [
    `${bytes(s.queued ?? 0)} waiting`, `for ${long(s.slow ?? 0)}`,
  ], nameOf);
}

/**
 * @param {string} id
 * @param {Session[]} sessions
 * @param {string} none
 * @param {(s: Session) => [string, string]} says
 * @param {(incarnation: string | undefined) => string} nameOf
 */
function list(id, sessions, none, says, nameOf) {
  const at = by(id, HTMLElement);
  if (sessions.length === 0) {
    if (!at.querySelector('.none')) arrange(at, [element('li', { class: 'none' }, none)]);
    return;
  }
  // Places are filled anew rather than moved: the order is another one every second.
  const places = /** @type {HTMLElement[]} */ ([...at.children]).filter((li) => !li.matches('.none')).slice(0, sessions.length);
  while (places.length < sessions.length) places.push(place());
  arrange(at, places);
  sessions.forEach((s, i) => {
    const [node, much, where, more] = /** @type {HTMLElement[]} */ ([...places[i].children]);
    const [first, second] = says(s);
    tell(node, s.node);
    node.title = s.node;
    tell(much, first);
    tell(where, [nameOf(s.edge), s.over === 'tcp' ? 'TCP' : 'WebSocket', s.remote].filter(Boolean).join(' · '));
    tell(more, second);
  });
}

const place = () => element('li', {}, element('span', { class: 'node' }), element('span', { class: 'much' }), element('span', { class: 'fine' }), element('span', { class: 'fine much' }));
