// @ts-check
// The table of members.

import { arrange, by, element, tell } from './dom.js';
import { bytes, count, long, percent, rate, time } from './format.js';

/** @typedef {import('./feed.js').Member} Member */
/** @typedef {import('./feed.js').Snapshot} Snapshot */

const healths = {
  healthy: 'healthy', overloaded: 'overloaded', draining: 'draining', silent: 'no answer', asked: 'asked', gone: 'gone',
};

/** A row, with its cells. */
class Row {
  /** @param {(incarnation: string) => void} drain @param {string} incarnation */
  constructor(drain, incarnation) {
    /** @param {string} name @param {string} [kind] */
    const cell = (name, kind = '') => element('td', { 'data-name': name, class: kind });
    this.name = element('b');
    this.role = element('span', { class: 'tag' });
    this.self = element('span', { class: 'tag self' }, 'this page');
    this.health = element('span', { class: 'pill' });
    this.sessions = gauge();
    this.busy = gauge({ much: 0.6, most: 0.85 });
    this.cells = {
      health: cell('Health'), zone: cell('Zone', 'zone'), sessions: cell('Sessions'), received: cell('Received', 'number'), sent: cell('Sent', 'number'),
      busy: cell('Busy'), lag: cell('Lag', 'number'), lease: cell('Lease', 'number'), memory: cell('Memory', 'number'), up: cell('Up', 'number'), version: cell('Version'),
    };
    this.cells.health.append(this.health);
    this.cells.sessions.append(this.sessions.all);
    this.cells.busy.append(this.busy.all);
    this.drain = element('button', { type: 'button', class: 'button', 'aria-describedby': 'members-note' }, 'Drain…');
    this.drain.addEventListener('click', () => drain(incarnation));
    this.row = element('tr', {}, element('th', { scope: 'row' }, element('span', { class: 'who' }, this.name, this.role, this.self)), ...Object.values(this.cells), element('td', {}, this.drain));
  }

  /** @param {Member} m @param {Snapshot} snapshot @param {number} most */
  show(m, snapshot, most) {
    const { report: r, health } = m;
    const edge = m.role === 'edge';
    this.row.dataset.health = health;
    this.row.dataset.id = m.id;
    this.row.title = `${m.incarnation}${m.addr ? `, admin port ${m.addr}` : ''}`;
    tell(this.name, m.id);
    tell(this.role, m.role || 'unknown');
    this.self.hidden = m.incarnation !== snapshot.self;
    this.health.dataset.health = health;
    const silent = m.age === undefined ? '' : ` for ${long(m.age)}`;
    tell(this.health, `${healths[health] ?? health}${health === 'silent' || health === 'gone' ? silent : ''}`);
    put(this.cells.zone, m.zone ?? '');
    const there = health !== 'gone';
    this.sessions.show(edge && there, m.sessions / Math.max(most, 1), count(m.sessions));
    put(this.cells.received, !there || !r ? '' : edge ? `${rate(r.received.envelopes)}/s` : `${rate(r.commands ?? 0)} commands/s`);
    put(this.cells.sent, !there || !r ? '' : edge ? `${rate(r.sent.envelopes)}/s` : `${rate(r.logins ?? 0)} logins/s`);
    const busy = !r ? 0 : edge ? r.busy : r.processors / Math.max(r.cores, 1);
    this.busy.show(there && r !== undefined, busy, percent(busy));
    this.cells.busy.title = r ? `${rate(r.processors)} of ${count(r.cores)} processors` : '';
    put(this.cells.lag, r?.lag === undefined ? '' : time(r.lag));
    put(this.cells.lease, r?.lease === undefined ? '' : time(r.lease));
    put(this.cells.memory, r ? bytes(r.memory) : '');
    put(this.cells.up, there ? long((snapshot.at - Date.parse(m.started)) / 1000) : '');
    put(this.cells.version, r?.version ?? '');
    for (const one of ['sessions', 'busy']) this.cells[/** @type {'sessions'} */ (one)].classList.toggle('empty', !there || (one === 'sessions' && !edge));
    this.drain.hidden = !there;
    this.drain.disabled = !snapshot.token || health === 'draining';
    this.drain.setAttribute('aria-label', `Drain ${m.id}…`);
  }
}

/** @param {HTMLElement} cell @param {string} text */
function put(cell, text) {
  tell(cell, text);
  cell.classList.toggle('empty', text === '');
}

/** gauge is a bar with a number. @param {{ much: number, most: number }} [levels] */
function gauge(levels = { much: 2, most: 2 }) {
  const bar = element('i');
  const track = element('span', { class: 'track', 'aria-hidden': 'true' }, bar);
  const value = element('span', { class: 'value' });
  const all = element('span', { class: 'gauge' }, track, value);
  return {
    all,
    /** @param {boolean} is @param {number} part @param {string} text */
    show(is, part, text) {
      all.hidden = !is;
      bar.style.width = `${Math.round(Math.min(Math.max(part, 0), 1) * 100)}%`;
      track.dataset.level = part > levels.most ? 'most' : part > levels.much ? 'much' : 'little';
      tell(value, text);
    },
  };
}

/** Members keeps the table. */
export class Members {
  /** @type {Map<string, Row>} */
  #rows = new Map();
  #at = by('members', HTMLElement);

  /** @param {(incarnation: string) => void} drain */
  constructor(drain) {
    this.drain = drain;
  }

  /** @param {Snapshot} snapshot */
  show(snapshot) {
    const most = Math.max(1, ...snapshot.members.map((m) => m.sessions));
    const rank = { edge: 0, router: 1, '': 2 };
    const all = snapshot.members.toSorted((a, b) => Number(a.health === 'gone') - Number(b.health === 'gone') || rank[a.role] - rank[b.role] || a.id.localeCompare(b.id, undefined, { numeric: true }));
    const rows = all.map((m) => {
      let row = this.#rows.get(m.incarnation);
      if (!row) this.#rows.set(m.incarnation, row = new Row(this.drain, m.incarnation));
      row.show(m, snapshot, most);
      return row.row;
    });
    const there = new Set(snapshot.members.map((m) => m.incarnation));
    for (const incarnation of this.#rows.keys()) if (!there.has(incarnation)) this.#rows.delete(incarnation);
    arrange(this.#at, rows);
  }
}
