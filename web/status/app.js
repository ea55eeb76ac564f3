// @ts-check
// The status page: what is shown of the cluster, and what can be done there.

import { Charts } from './charts.js';
import { ask, call, onToken, sentence, setToken, unlocked } from './dialogs.js';
import { by, element, tell } from './dom.js';
import { Feed } from './feed.js';
import { bytes, count, plural, rate } from './format.js';
import { Members } from './members.js';
import { searching } from './search.js';
import { showSessions } from './sessions.js';
import { themed } from './theme.js';

/** @typedef {import('./feed.js').Snapshot} Snapshot */
/** @typedef {import('./feed.js').Member} Member */

const at = {
  connection: by('connection', HTMLElement), lock: by('lock', HTMLButtonElement), note: by('members-note', HTMLElement),
  rebalance: by('rebalance', HTMLButtonElement), said: by('said', HTMLElement),
};

/** @type {Snapshot | null} */
let shown = null;
let token = '';

const charts = new Charts();
const members = new Members((incarnation) => void drain(incarnation));
themed(() => charts.redraw());

/** nameOf is what people call a member. @param {string | undefined} incarnation */
const nameOf = (incarnation) => shown?.members.find((m) => m.incarnation === incarnation)?.id ?? incarnation ?? '';

/** say tells what has been done, for a while. @param {string} text */
function say(text) {
  tell(at.said, text);
  clearTimeout(saying);
  saying = window.setTimeout(() => tell(at.said, ''), 10_000);
}
let saying = 0;

/** figure sets a number with its unit. @param {string} id @param {string} number @param {string} unit @param {string} more */
function figure(id, number, unit, more) {
  const text = `${number}${unit}`;
  const of = by(id, HTMLElement);
  if (of.textContent !== text) of.replaceChildren(number, ...(unit ? [element('span', { class: 'unit' }, unit)] : []));
  tell(by(`${id}-more`, HTMLElement), more);
}

/** @param {Snapshot} snapshot */
function show(snapshot) {
  shown = snapshot;
  const there = snapshot.members.filter((m) => m.health !== 'gone');
  const told = there.filter((m) => m.report && m.health !== 'silent');
  /** @param {(m: Member) => number | undefined} of */
  const sum = (of) => there.reduce((all, m) => all + (of(m) ?? 0), 0);
  /** @param {(r: import('./feed.js').Report) => number | undefined} of */
  const reports = (of) => told.reduce((all, m) => all + ((m.report && of(m.report)) ?? 0), 0);
  /** @type {Record<string, number>} */
  const dropped = {};
  for (const { report } of told) for (const [why, n] of Object.entries(report?.dropped ?? {})) dropped[why] = (dropped[why] ?? 0) + n;
  const drops = Object.values(dropped).reduce((a, b) => a + b, 0);
  const edges = there.filter((m) => m.role === 'edge');
  const sessions = sum((m) => (m.role === 'edge' ? m.sessions : 0));
  const ill = there.filter((m) => m.health === 'silent' || m.health === 'overloaded');
  const zones = new Set(there.map((m) => m.zone).filter(Boolean));

  figure('t-members', count(there.length), '', ill.length ? `${plural(ill.length, 'member')} in trouble` : [plural(edges.length, 'edge'), plural(there.length - edges.length, 'router'), zones.size > 1 ? plural(zones.size, 'zone') : ''].filter(Boolean).join(', '));
  by('t-members', HTMLElement).classList.toggle('bad', ill.length > 0);
  figure('t-sessions', count(sessions), '', dialects(told, sessions) || plural(reports((r) => r.connections), 'connection'));
  figure('t-received', rate(reports((r) => r.received.envelopes)), '/s', `${bytes(reports((r) => r.received.bytes))}/s from clients`);
  figure('t-sent', rate(reports((r) => r.sent.envelopes)), '/s', `${bytes(reports((r) => r.sent.bytes))}/s to clients`);
  figure('t-dropped', rate(drops), '/s', Object.entries(dropped).sort((a, b) => b[1] - a[1]).slice(0, 3).map(([why]) => why.replaceAll('_', ' ')).join(', ') || 'nothing is lost');
  figure('t-queued', bytes(reports((r) => r.queued)), '', snapshot.slowest.length ? `for ${plural(snapshot.slowest.length, 'slow session')}` : 'nobody is slow');

  charts.add({
    at: Math.round(snapshot.at / 1000), sessions, received: reports((r) => r.received.envelopes), sent: reports((r) => r.sent.envelopes), dropped: drops,
    busy: Math.max(0, ...told.map((m) => m.report?.busy ?? 0)),
  });
  members.show(snapshot);
  showSessions(snapshot, nameOf);

  at.lock.hidden = !snapshot.token;
  at.rebalance.disabled = !snapshot.token || edges.length < 2;
  tell(at.note, snapshot.token ? '' : 'Draining, rebalancing and the search are off: this member has no admin token (-admin-token).');
  connection('live', `Live, as ${nameOf(snapshot.self)} sees it`);
}

/** dialects says which protocols clients speak, if it is not LIME alone. @param {Member[]} told @param {number} sessions */
function dialects(told, sessions) {
  /** @type {Record<string, number>} */
  const all = {};
  for (const { report } of told) for (const [name, n] of Object.entries(report?.dialects ?? {})) all[name] = (all[name] ?? 0) + n;
  const others = Object.entries(all);
  if (others.length === 0) return '';
  return [['LIME', sessions - others.reduce((n, o) => n + o[1], 0)], ...others].map(([name, n]) => `${count(Number(n))} ${name}`).join(', ');
}

/** @param {string} state @param {string} text */
function connection(state, text) {
  document.body.dataset.connection = state;
  tell(at.connection, text);
}

const feed = new Feed('status/events', {
  history: (samples) => charts.begin(samples),
  snapshot: show,
  waiting: (why) => connection('waiting', `Not live: ${why}; trying again`),
  refused: () => setToken(''),
});

onToken((is) => {
  token = is;
  feed.authorize(is);
  tell(at.lock, unlocked() ? 'Lock' : 'Unlock');
});

at.lock.addEventListener('click', async () => {
  if (unlocked()) return setToken('');
  await ask({
    title: 'Unlock this page', text: 'The admin token shows whole addresses, and lets you search, drain and rebalance. It stays in this window until it is closed or reloaded.', yes: 'Unlock',
    does: (t) => call('status/token', { body: {}, token: t }),
  });
});

at.rebalance.addEventListener('click', async () => {
  const done = await ask({
    title: 'Rebalance the edges?', yes: 'Rebalance',
    text: 'Each edge with more sessions than the mean finishes what it has above, slowly. Their clients log in again, wherever the balancer sends them.',
    does: (t) => call('status/rebalance', { body: {}, token: t }),
  });
  if (!done) return;
  const failed = Object.entries(/** @type {Record<string, string>} */ (done.failed ?? {})).map(([id, why]) => `${id}: ${why}`);
  say([done.done, ...failed].map(sentence).join(' '));
});

/** @param {string} incarnation */
async function drain(incarnation) {
  const m = shown?.members.find((one) => one.incarnation === incarnation);
  if (!m) return;
  const what = m.role === 'edge' ? `It takes no new sessions, tells its ${plural(m.sessions, 'session')} to go, lot by lot, and ends when they have.` : 'It answers what it has taken, and ends.';
  const self = m.incarnation === shown?.self ? ' It is the member that shows you this page, which ends with it.' : '';
  const done = await ask({
    title: `Drain ${m.id}?`, yes: `Drain ${m.id}`, grave: true, text: `${what} Whatever supervises it may start it anew.${self}`,
    does: (t) => call('status/drain', { body: { member: incarnation }, token: t }),
  });
  if (done) say(sentence(done.done));
}

searching(() => token, () => shown?.token ?? false, nameOf);
