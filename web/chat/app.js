// @ts-check
// The chat page: what is seen, and what becomes of what people do. lime.js speaks the protocol, history.js remembers.

import { Tray, cardOf } from './attachments.js';
import { arrange, avatar, by, dayOf, element, tell, tick, timeOf } from './dom.js';
import { Envelopes } from './envelopes.js';
import { kept, linkOf } from './files.js';
import { History, storage, titleOf } from './history.js';
import { Client, Refusal, codes, domainOf, identityOf, instanceOf, lookAt, media, nameOf, newId, register, same, stays } from './lime.js';

/** @typedef {import('./lime.js').Envelope} Envelope */
/** @typedef {import('./history.js').Conversation} Conversation */
/** @typedef {import('./history.js').Line} Line */
/** @typedef {import('./history.js').Progress} Progress */

const url = new URL('.', location.href);
url.protocol = url.protocol.replace('http', 'ws');
url.search = url.hash = '';

const lobby = '/chat/lobby';
const roomsWithin = '/chat/';
/** How long an own message waits for its confirmation until it is sent again, in milliseconds. */
const confirmWithin = 10_000;
/** What a name must not have; the server refuses it as well. */
const notInNames = /["&'/:<>@\p{Cc}]/u;

const at = {
  welcome: by('welcome', HTMLElement), login: by('login', HTMLFormElement), name: by('name', HTMLInputElement),
  ways: by('ways', HTMLFieldSetElement), secret: by('secret', HTMLDivElement), password: by('password', HTMLInputElement),
  loginError: by('login-error', HTMLElement), enter: by('enter', HTMLButtonElement), served: by('served', HTMLElement),
  chat: by('chat', HTMLElement), connection: by('connection', HTMLElement), reconnect: by('reconnect', HTMLButtonElement),
  me: by('me', HTMLElement), status: by('status', HTMLSelectElement), leave: by('leave', HTMLButtonElement),
  find: by('find', HTMLFormElement), who: by('who', HTMLInputElement), findError: by('find-error', HTMLElement),
  rooms: by('rooms', HTMLUListElement), roomsTitle: by('rooms-title', HTMLElement), persons: by('persons', HTMLUListElement),
  alone: by('alone', HTMLElement), another: by('another', HTMLButtonElement),
  back: by('back', HTMLButtonElement), title: by('title', HTMLElement), about: by('about', HTMLElement), contact: by('contact', HTMLButtonElement),
  lines: by('lines', HTMLElement), typing: by('typing', HTMLElement), compose: by('compose', HTMLFormElement), text: by('text', HTMLTextAreaElement),
  envelopes: by('envelopes', HTMLElement), showEnvelopes: by('show-envelopes', HTMLButtonElement),
  hideEnvelopes: by('hide-envelopes', HTMLButtonElement), clearEnvelopes: by('clear-envelopes', HTMLButtonElement),
};

const envelopes = new Envelopes();
/** @param {'in' | 'out'} direction @param {Envelope} envelope */
const tap = (direction, envelope) => envelopes.add(direction, envelope);

/** What the server says of itself; before that nothing is known. */
let served = { domain: '', edge: '', schemes: /** @type {string[]} */ ([]) };
/** @type {Client | null} */
let client = null;
/** @type {History | null} */
let history = null;
/** @type {Conversation | null} */
let current = null;
/** Own identity. */
let me = '';

/** Rooms that are to be entered. @type {string[]} */
let rooms = [lobby];
/** Rooms that are entered, with their addresses. @type {Map<string, string>} */
const addresses = new Map();
/** Who is in a room: identities by themselves in small letters. @type {Map<string, Map<string, string>>} */
const occupants = new Map();
/** How many are in a room. @type {Map<string, number>} */
const counts = new Map();
/** Statuses of contacts, by identities in small letters. @type {Map<string, string>} */
const statuses = new Map();
/** @type {Map<string, string>} */
const contacts = new Map();
/** Who is writing, by conversations, and until when. @type {Map<string, number>} */
const writing = new Map();
/** When own messages were sent, by their ids. @type {Map<string, number>} */
const sentAt = new Map();

/** Files that are being sent. */
const tray = new Tray({
  ask: (request) => client?.command(request) ?? Promise.reject(new Refusal({ description: 'There is no session' })),
  to: () => (current && client ? { key: current.key, title: titleOf(current) } : null),
  sent: sendFile,
});

/** The node's instance stays with the window, so that a reload takes the node over. */
const instance = () => {
  let own = storage.read('session', 'limegrove.instance');
  if (typeof own !== 'string' || !/^web-[0-9a-f]{8}$/.test(own)) {
    own = `web-${newId().slice(0, 8)}`;
    storage.write('session', 'limegrove.instance', own);
  }
  return own;
};

// The way in

/** @param {string} [error] */
function showWelcome(error = '') {
  at.chat.hidden = true;
  at.welcome.hidden = false;
  tell(at.loginError, error);
  at.enter.disabled = false;
  tell(at.enter, 'Start chatting');
  (error && !at.secret.hidden ? at.password : at.name).focus();
}

/** way is how the form wants to log in. */
const way = () => new FormData(at.login).get('way') ?? (served.schemes.includes('guest') || !served.schemes.length ? 'guest' : 'plain');

function showWays() {
  const guest = served.schemes.includes('guest');
  const plain = served.schemes.includes('plain');
  at.ways.hidden = !plain;
  for (const one of at.ways.querySelectorAll('input')) {
    one.disabled = one.value === 'plain' ? !plain : one.value === 'guest' ? !guest : !(guest && plain);
    if (one.parentElement) one.parentElement.hidden = one.disabled;
    if (!at.ways.querySelector('input:checked') && !one.disabled) one.checked = true;
  }
  at.secret.hidden = way() === 'guest';
  at.password.autocomplete = way() === 'new' ? 'new-password' : 'current-password';
}

/** look asks the server what it offers, until it answers. */
async function look() {
  for (let wait = 500; !client; wait = Math.min(wait * 2, 10_000)) {
    try {
      served = await lookAt(url.href, tap);
      tell(at.served, served.schemes.some((s) => s === 'guest' || s === 'plain')
        ? `${served.edge} serves ${served.domain}`
        : 'This server lets in neither guests nor passwords, so this page cannot chat with it.');
      showWays();
      return;
    } catch {
      tell(at.served, 'The server does not answer. Trying again.');
      await new Promise((resolve) => setTimeout(resolve, wait / 2 + (Math.random() * wait) / 2));
    }
  }
}

/** @param {SubmitEvent} event */
async function submitLogin(event) {
  event.preventDefault();
  const name = at.name.value.trim();
  const password = at.password.value;
  const how = way();
  let wrong = '';
  if (!name) wrong = 'Please pick a name.';
  else if (notInNames.test(name)) wrong = `“${name}” does not work as a name: it must not contain " & ' / : < > or @.`;
  else if (how !== 'guest' && !password) wrong = 'Please enter a password.';
  if (wrong) return showWelcome(wrong);
  at.enter.disabled = true;
  tell(at.enter, 'Connecting…');
  tell(at.loginError, '');
  try {
    if (how === 'new') await register(url.href, { name, password, domain: served.domain }, tap);
  } catch (why) {
    const taken = why instanceof Refusal && why.code === codes.taken;
    return showWelcome(taken ? `There is an account ${name} already.` : String(why instanceof Error ? why.message : why));
  }
  start(name, how === 'guest' ? undefined : password);
}

/**
 * start begins as somebody.
 * @param {string} name
 * @param {string} [password]
 */
function start(name, password) {
  const started = new Client(url.href, { name, instance: instance(), password }, {
    tap, state: showState, established, message: takeMessage, notification: takeNotification, observe: takeCommand,
  });
  client = started;
  for (const one of at.status.options) { // a guest has no contacts, who alone would see it
    if (one.value === 'busy' || one.value === 'away') one.hidden = one.disabled = password === undefined;
  }
  at.status.value = 'available';
  started.start();
}

function signOut() {
  tray.giveUp();
  client?.stop();
  history?.saveNow();
  storage.write('session', 'limegrove.guest', null);
  location.reload();
}

/** remember begins what is remembered of an identity. @param {string} identity */
function remember(identity) {
  if (history && same(me, identity)) return;
  me = identity;
  history = new History(identity);
  const stored = storage.read('local', `limegrove.rooms.${me.toLowerCase()}`);
  if (Array.isArray(stored)) rooms = [lobby, ...stored.filter((r) => typeof r === 'string' && /^\/chat\/[^/]{1,64}$/.test(r) && r !== lobby)].slice(0, 10);
  at.welcome.hidden = true;
  at.chat.hidden = false;
  tell(at.me, nameOf(me));
  select(history.room(lobby), false);
  if (!phone.matches) at.text.focus(); // on a phone the keyboard would hide the rest
}

// The session

/**
 * @param {import('./lime.js').State} state
 * @param {{seconds?: number, reason?: Refusal}} detail
 */
function showState(state, { seconds = 0, reason }) {
  document.body.dataset.connection = state;
  at.reconnect.hidden = state !== 'waiting' && state !== 'ended';
  tell(at.reconnect, state === 'ended' ? 'Use it here' : 'Connect now');
  const within = seconds >= 2 ? ` Next attempt in ${Math.round(seconds)} s.` : '';
  switch (state) {
    case 'online':
      if (client) {
        remember(identityOf(client.node));
        // Passwords are not stored.
        if (client.login.password === undefined) storage.write('session', 'limegrove.guest', { name: client.login.name, identity: me });
      }
      tell(at.connection, `Connected to ${client?.edge}`);
      break;
    case 'connecting':
      if (history) tell(at.connection, 'Connecting…');
      return;
    case 'waiting':
      tell(at.connection, `No connection.${within}`);
      if (!history) tell(at.loginError, `The server cannot be reached.${within}`);
      break;
    case 'away':
      tell(at.connection, 'You are offline. Messages wait for you.');
      break;
    case 'ended':
      if (reason?.code === codes.conflict && history) {
        tell(at.connection, 'This chat goes on in another window.');
      } else {
        history?.saveNow();
        tray.giveUp();
        client = history = current = null;
        storage.write('session', 'limegrove.guest', null);
        showWelcome(reason?.message ?? '');
        void look();
      }
      break;
  }
  if (state !== 'online') {
    addresses.clear();
    occupants.clear();
    counts.clear();
    statuses.clear();
  }
  render();
}

/** established is called whenever there is a session. */
function established() {
  resend(true);
  for (const path of rooms) void enterRoom(path);
  if (client?.login.password !== undefined) void readContacts();
  void askForFiles();
  tray.wake();
  if (current) consume(current);
}

/** askForFiles asks whether this session may send files: guests may not everywhere. */
async function askForFiles() {
  if (!kept) return;
  try {
    await client?.command({ method: 'get', uri: '/files?take=1' });
    tray.allow(true);
  } catch (why) {
    if (why instanceof Refusal && stays(why.code)) tray.allow(false);
    else if (client?.online) setTimeout(() => void askForFiles(), 5000);
  }
}

/**
 * sendFile sends a link to a file that is there.
 * @param {string} key of the conversation
 * @param {import('./files.js').Link} link
 */
function sendFile(key, link) {
  if (!history) return;
  const c = key.startsWith('/') ? history.room(key) : history.person(history.conversations.get(key)?.title ?? key);
  /** @type {Line} */
  const line = { id: newId(), own: true, from: me, text: link.name, file: link, at: Date.now(), state: 'pending' };
  history.add(c, line);
  transmit(c, line);
  render();
}

/** resend sends what is unconfirmed, in order: all of it, or what has waited for long. @param {boolean} all */
function resend(all) {
  if (!history || !client?.online) return;
  const now = Date.now();
  for (const { conversation, line } of history.pending()) {
    if (all || now - (sentAt.get(line.id) ?? 0) > confirmWithin) transmit(conversation, line);
  }
}

/**
 * transmit sends a message. It stays pending until the server has confirmed it.
 * @param {Conversation} c
 * @param {Line} line
 */
function transmit(c, line) {
  const to = c.room ? addresses.get(c.key) : c.title;
  if (!to || !client) return; // the room is yet to be entered
  const sent = { sent: new Date(line.at).toISOString() };
  const { file } = line;
  const what = file
    ? { type: media.link, content: { title: file.name, type: file.type, size: file.size, uri: file.uri } }
    : { type: media.text, content: line.text };
  if (client.send({ id: line.id, to, ...what, metadata: sent })) sentAt.set(line.id, Date.now());
}

/** @param {string} path */
async function enterRoom(path) {
  const c = history?.room(path);
  if (!client || !c) return;
  try {
    const answer = await client.command({
      method: 'subscribe', uri: '/rooms', type: media.room, resource: { room: path, presence: true, since: c.position ?? '0' },
    });
    const { address = '', position, continuous } = answer.resource ?? {};
    addresses.set(path, address);
    if (position) c.position = String(position);
    if (continuous === false && c.lines.length) {
      history?.add(c, { id: newId(), own: false, from: '', text: 'Something may be missing here.', at: Date.now() });
    }
    for (const { conversation, line } of history?.pending() ?? []) if (conversation === c) transmit(c, line);
  } catch (why) {
    if (!(why instanceof Refusal) || why.code <= 0) return; // the connection: it is entered again
    rooms = rooms.filter((r) => r !== path);
    if (!c.lines.length) {
      history?.conversations.delete(path);
      if (current === c) select(null, false);
    }
    if (path !== lobby) tell(at.findError, `The room ${titleOf(c)} cannot be entered: ${why.message}`);
  }
  render();
}

async function readContacts() {
  try {
    const answer = await client?.command({ method: 'get', uri: '/contacts?take=500' });
    for (const one of answer?.resource?.items ?? []) {
      if (typeof one?.identity === 'string') contacts.set(one.identity.toLowerCase(), one.identity);
    }
    render();
  } catch {
    // they are asked for with the next session
  }
}

async function addContact() {
  const c = current;
  if (!c || !client) return;
  try {
    await client.command({ method: 'set', uri: '/contacts', type: media.contact, resource: { identity: c.title } });
    contacts.set(c.key, c.title);
    at.text.focus(); // the button goes
  } catch (why) {
    tell(at.about, why instanceof Error ? why.message : String(why));
    return;
  }
  render();
}

// What comes

/** @param {Envelope} e */
function takeMessage(e) {
  if (!history || !e.from) return;
  const path = roomAt(e.to ?? '') || roomAt(e.from);
  const c = path ? history.room(path) : undefined;
  const from = c ? unescaped(instanceOf(e.from)) : identityOf(e.from);
  if (e.type === media.chatState) {
    if (!c && /** @type {any} */ (e.content)?.state === 'composing') hearWriting(from);
    return;
  }
  if (c) return takeOfRoom(c, from, e);
  const talk = history.person(from);
  writing.delete(talk.key);
  const known = e.id ? history.find(talk, e.id, false, from) : undefined;
  if (e.id) client?.send({ id: e.id, to: e.pp ?? e.from, event: 'received' });
  if (known) { // it comes again, since nobody has heard that it was received
    if (!known.reply) client?.send({ id: e.id, to: e.pp ?? e.from, event: 'consumed' });
    return;
  }
  /** @type {Line} */
  const line = { id: e.id || newId(), own: false, from, ...contentOf(e), at: timeSent(e) };
  if (e.id) line.reply = e.pp ?? e.from;
  history.add(talk, line);
  seen(talk);
}

/**
 * @param {Conversation} c
 * @param {string} from
 * @param {Envelope} e
 */
function takeOfRoom(c, from, e) {
  const position = e.metadata?.['#room.position'] ?? '';
  if (/^\d{1,20}$/.test(position) && BigInt(position) > BigInt(c.position ?? '0')) c.position = position;
  const own = same(from, me);
  const id = e.id || newId();
  if (history?.find(c, id, own, from)) {
    if (own) takeNotification({ id, event: 'accepted' }); // who hears itself has been heard
    history.save();
    return;
  }
  history?.add(c, { id, own, from, ...contentOf(e), at: timeSent(e), ...(own && { state: /** @type {Progress} */ ('accepted') }) });
  seen(c);
}

/** seen counts something new, unless it is being looked at. @param {Conversation} c */
function seen(c) {
  if (c === current && looking()) consume(c);
  else c.unread++;
  history?.save();
  render();
}

/** looking tells whether the conversation is to be seen. */
const looking = () => document.visibilityState === 'visible' && (!phone.matches || document.body.dataset.view === 'talk');

/** consume tells the senders that what is new was read. @param {Conversation} c */
function consume(c) {
  if (!looking()) return;
  for (const line of c.lines) {
    if (line.reply && client?.send({ id: line.id, to: line.reply, event: 'consumed' })) delete line.reply;
  }
  if (c.unread) c.unread = 0;
  history?.save();
}

/** @param {Envelope} e */
function takeNotification(e) {
  if (!e.id || !e.event) return;
  const state = /** @type {Progress} */ (e.event);
  if (!history?.progressed(e.id, state, state === 'failed' ? (e.reason?.description ?? 'The server gave no reason') : undefined)) return;
  sentAt.delete(e.id);
  render();
}

/** @param {Envelope} e */
function takeCommand(e) {
  const resource = e.resource ?? {};
  if (e.uri === '/presence' && e.from) {
    statuses.set(identityOf(e.from).toLowerCase(), String(resource.status ?? ''));
  } else if (e.uri === '/rooms') {
    const path = roomAt(String(resource.address ?? ''));
    const who = occupants.get(path) ?? new Map();
    if (resource.ended) {
      addresses.delete(path);
      occupants.delete(path);
      counts.delete(path);
      return render();
    }
    if (Array.isArray(resource.occupants)) who.clear();
    for (const one of [...(resource.occupants ?? []), ...(resource.joined ?? [])]) who.set(String(one).toLowerCase(), String(one));
    for (const one of resource.left ?? []) who.delete(String(one).toLowerCase());
    occupants.set(path, who);
    if (Number.isFinite(resource.count)) counts.set(path, resource.count);
  }
  render();
}

/**
 * roomAt returns the path of the room that has an address, "" for none. What is said in a room may come before the
 * answer that one is in it.
 * @param {string} node
 */
function roomAt(node) {
  const address = identityOf(node);
  const path = domainOf(address).startsWith('rooms.') ? unescaped(nameOf(address)) : '';
  return path.startsWith(roomsWithin) ? path : '';
}

/** @param {Envelope} e */
const textOf = (e) => (typeof e.content === 'string' ? e.content : `${e.type}\n${JSON.stringify(e.content, null, 2)}`);

/** contentOf is what a line has of a message: a link to a file that may be shown, or text. @param {Envelope} e */
function contentOf(e) {
  const file = e.type === media.link ? linkOf(e.content) : null;
  const { text = '', uri = '' } = /** @type {any} */ (file || e.type === media.link ? (e.content ?? {}) : {});
  if (!file) return { text: e.type === media.link ? `A link that this page does not open: ${uri}` : textOf(e) };
  return { text: typeof text === 'string' && text.trim() ? text.trim() : file.name, file };
}

/** timeSent is when a message was sent, if its sender says so and can be right. @param {Envelope} e */
function timeSent(e) {
  const now = Date.now();
  const sent = Date.parse(String(e.metadata?.sent));
  return sent <= now && sent > now - 31 * 24 * 3600_000 ? sent : now;
}

/** @param {string} text */
function unescaped(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {string} from */
function hearWriting(from) {
  const key = from.toLowerCase();
  if (writing.size < 100) writing.set(key, Date.now() + 5000);
  renderTyping();
}

// What people do

/**
 * select shows a conversation, or none.
 * @param {Conversation | null} c
 * @param {boolean} moves whether the focus goes there
 */
function select(c, moves = true) {
  current = c;
  tray.clear();
  at.lines.replaceChildren();
  at.lines.setAttribute('aria-live', 'off'); // what is there already is not news
  if (moves) {
    document.body.dataset.view = 'talk';
    if (c) consume(c);
  }
  render();
  requestAnimationFrame(() => at.lines.setAttribute('aria-live', 'polite'));
  if (moves) (phone.matches ? at.title : at.text).focus();
}

/** @param {SubmitEvent} event */
function openSomebody(event) {
  event.preventDefault();
  if (!history) return;
  const text = at.who.value.trim();
  let wrong = '';
  if (text.startsWith('#')) {
    const name = text.slice(1).toLowerCase();
    if (/^[\p{L}\p{N}_-]{1,64}$/u.test(name)) {
      const path = roomsWithin + name;
      if (!rooms.includes(path)) {
        rooms = [...rooms, path].slice(-10);
        storage.write('local', `limegrove.rooms.${me.toLowerCase()}`, rooms);
        void enterRoom(path);
      }
      select(history.room(path));
    } else wrong = 'A room has letters, digits, hyphens and underscores.';
  } else if (!text) wrong = 'Please enter a name.';
  else {
    const [name, domain = domainOf(me), more] = text.split('@');
    if (!name || !domain || more !== undefined || notInNames.test(name) || /[\s/]/.test(domain)) wrong = `“${text}” is no name, and no name@domain.`;
    else if (same(`${name}@${domain}`, me)) wrong = 'That is you.';
    else select(history.person(`${name}@${domain}`));
  }
  tell(at.findError, wrong);
  if (!wrong) at.who.value = '';
}

/** @param {Event} event */
function submitMessage(event) {
  event.preventDefault();
  const text = at.text.value.trim();
  if (!text || !current || !history) return;
  /** @type {Line} */
  const line = { id: newId(), own: true, from: me, text, at: Date.now(), state: 'pending' };
  history.add(current, line);
  transmit(current, line);
  at.text.value = '';
  at.text.focus();
  fit();
  render();
  at.lines.scrollTop = at.lines.scrollHeight;
}

let saidWriting = 0;

/** sayWriting tells the other one that something is being written, now and then, without an id: nobody minds if it is lost. */
function sayWriting() {
  fit();
  const now = Date.now();
  if (!current || current.room || !at.text.value.trim() || now - saidWriting < 3000 || !isHere(current.key)) return;
  saidWriting = now;
  client?.send({ to: current.title, type: media.chatState, content: { state: 'composing' } });
}

/** fit makes the field as high as what is written. */
function fit() {
  at.text.rows = Math.min(6, at.text.value.split('\n').length);
}

/** @param {boolean} shown */
function showEnvelopes(shown) {
  at.envelopes.hidden = !shown;
  document.body.dataset.envelopes = String(shown);
  at.showEnvelopes.setAttribute('aria-expanded', String(shown));
  envelopes.show(shown);
  storage.write('local', 'limegrove.envelopes', shown);
}

// What is seen

const phone = matchMedia('(max-width: 760px)');

/** @param {string} key */
function isHere(key) {
  for (const who of occupants.values()) if (who.has(key)) return true;
  return ['available', 'busy', 'away'].includes(statuses.get(key) ?? '');
}

/** presenceOf is what to say of somebody, "" when that is not known. @param {string} key */
function presenceOf(key) {
  if (!client?.online) return '';
  const status = statuses.get(key) ?? '';
  if (status === 'busy' || status === 'away') return status;
  return isHere(key) ? 'online' : 'offline';
}

let due = false;

/** render brings the page up to date, once before it is painted next. */
function render() {
  if (due) return;
  due = true;
  queueMicrotask(() => {
    due = false;
    if (!history) return;
    renderLists();
    renderHead();
    renderLines();
    renderTyping();
  });
}

/** The entries of the lists, by conversations. @type {Map<string, {item: HTMLLIElement, draw: (c: Conversation) => void}>} */
const entries = new Map();

/** entryOf returns the entry of a conversation. @param {Conversation} c */
function entryOf(c) {
  let entry = entries.get(c.key);
  if (!entry) {
    const title = titleOf(c);
    const dot = element('span', { class: 'dot', 'aria-hidden': 'true' });
    const name = element('span', { class: 'name' }, title);
    const state = element('span', { class: 'visually-hidden' });
    const last = element('span', { class: 'last' });
    const unread = element('span');
    const badge = element('span', { class: 'badge' }, unread, element('span', { class: 'visually-hidden' }, ' unread'));
    const face = avatar(title, c.room);
    face.append(dot);
    const button = element('button', { type: 'button', class: 'entry' }, face,
      element('span', { class: 'two' }, element('span', {}, name, state), last), badge);
    button.addEventListener('click', () => {
      if (history) select(c.room ? history.room(c.key) : history.person(c.title));
    });
    entry = {
      item: element('li', {}, button),
      draw(now) {
        const presence = now.room ? '' : presenceOf(now.key);
        dot.dataset.presence = presence;
        tell(state, presence && `, ${presence}`);
        const line = now.lines.at(-1);
        const count = counts.get(now.key) ?? 0;
        tell(last, line ? (line.own ? 'You: ' : now.room && line.from ? `${nameOf(line.from)}: ` : '') + line.text : now.room ? (count > 1 ? `${count} here` : 'For everybody') : presence);
        tell(unread, String(now.unread));
        badge.hidden = !now.unread;
        button.setAttribute('aria-current', String(now === current));
      },
    };
    entries.set(c.key, entry);
  }
  entry.draw(c);
  return entry.item;
}

function renderLists() {
  if (!history) return;
  const joined = history.list().filter((c) => c.room && (rooms.includes(c.key) || c.lines.length));
  joined.sort((a, b) => Number(b.key === lobby) - Number(a.key === lobby) || a.key.localeCompare(b.key));
  arrange(at.rooms, joined.map(entryOf));
  at.roomsTitle.hidden = joined.length === 0;

  /** Whoever was met, is here, or is a contact. @type {Map<string, Conversation>} */
  const persons = new Map();
  for (const c of history.list()) if (!c.room) persons.set(c.key, c);
  const met = (/** @type {string} */ identity) => {
    const key = identity.toLowerCase();
    if (!same(key, me) && !persons.has(key)) persons.set(key, { key, title: identity, room: false, unread: 0, last: 0, lines: [] });
  };
  for (const who of occupants.values()) for (const identity of who.values()) met(identity);
  for (const identity of contacts.values()) met(identity);
  const sorted = [...persons.values()].sort((a, b) =>
    b.last - a.last || Number(isHere(b.key)) - Number(isHere(a.key)) || a.key.localeCompare(b.key));
  arrange(at.persons, sorted.slice(0, 200).map(entryOf));
  at.alone.hidden = sorted.some((c) => isHere(c.key)) || !client?.online;
  for (const key of entries.keys()) if (!persons.has(key) && !history.conversations.has(key)) entries.delete(key);

  let unread = 0;
  for (const c of history.list()) unread += c.unread;
  document.title = `${unread ? `(${unread}) ` : ''}${me ? `${nameOf(me)} – ` : ''}Limegrove chat`;
}

function renderHead() {
  const c = current;
  at.compose.hidden = !c;
  tray.render();
  at.contact.hidden = !c || c.room || client?.login.password === undefined || !client.online || contacts.has(c.key);
  if (!c) {
    tell(at.title, 'Pick somebody to write to');
    tell(at.about, '');
    return;
  }
  tell(at.title, titleOf(c));
  at.text.placeholder = `Message ${titleOf(c)}`;
  if (c.room) {
    const who = [...(occupants.get(c.key)?.values() ?? [])].map((one) => (same(one, me) ? 'you' : nameOf(one)));
    const count = counts.get(c.key) ?? who.length;
    tell(at.about, !client?.online ? 'A room for everybody' : who.length ? `${count} here: ${who.slice(0, 8).join(', ')}${who.length > 8 ? ' …' : ''}` : count ? `${count} here` : 'A room for everybody');
  } else {
    const presence = presenceOf(c.key);
    tell(at.about, c.title + (presence && ` · ${presence === 'offline' ? 'not here now, messages wait' : presence}`));
  }
}

const words = { pending: 'Waiting', accepted: 'Stored', dispatched: 'Delivered', received: 'Received', consumed: 'Read', failed: 'Failed' };
const meanings = {
  pending: 'not confirmed yet; it is sent again with the same id',
  accepted: 'accepted: the server has stored it',
  dispatched: 'dispatched: a session of the recipient has it',
  received: 'received: the recipient’s client says so',
  consumed: 'consumed: it was read',
  failed: 'failed',
};

/** lineOf makes a message's element. @param {Line} line @param {Conversation} c @param {Line | undefined} before */
function lineOf(line, c, before) {
  if (!line.from) return element('p', { class: 'note', 'data-id': line.id }, line.text);
  const whose = line.own ? 'own' : 'other';
  const first = !before || before.own !== line.own || before.from !== line.from || line.at - before.at > 300_000;
  const made = element('div', { class: `line ${whose}${first ? ' first' : ''}`, 'data-id': line.id });
  const name = line.own ? 'You' : nameOf(line.from);
  if (first && c.room && !line.own) made.append(element('p', { class: 'from' }, name));
  else made.append(element('span', { class: 'visually-hidden' }, `${name}: `));
  if (line.file) {
    const bubble = element('div', { class: 'bubble' }, cardOf(line.file));
    if (line.text !== line.file.name) bubble.append(element('p', { dir: 'auto' }, line.text));
    made.append(bubble);
  } else made.append(element('p', { class: 'bubble', dir: 'auto' }, line.text));
  const meta = element('p', { class: 'meta' }, element('time', { datetime: new Date(line.at).toISOString() }, timeOf(line.at)));
  if (line.own) meta.append(element('span', { class: 'progress', 'aria-live': 'off' }));
  made.append(meta);
  return made;
}

/** drawProgress shows how far an own message has come. @param {HTMLElement} made @param {Line} line @param {boolean} last */
function drawProgress(made, line, last) {
  const shown = made.querySelector('.progress');
  const state = line.state ?? 'pending';
  if (!(shown instanceof HTMLElement)) return;
  made.classList.toggle('last', last);
  if (made.dataset.state === state) return;
  made.dataset.state = state;
  shown.title = meanings[state];
  shown.replaceChildren(tick(state), element('span', { class: 'word' }, words[state]));
  made.querySelector('.why')?.remove();
  if (state === 'failed') {
    const again = element('button', { type: 'button', class: 'link' }, 'Send again');
    again.addEventListener('click', () => {
      line.state = 'pending';
      if (current) transmit(current, line);
      render();
      at.text.focus();
    });
    made.append(element('p', { class: 'why' }, `${line.why ?? ''} `, again));
  }
}

/** The elements of messages. @type {WeakMap<Line, HTMLElement>} */
const drawn = new WeakMap();

function renderLines() {
  const c = current;
  if (!c) return at.lines.replaceChildren();
  const follows = at.lines.scrollHeight - at.lines.scrollTop - at.lines.clientHeight < 60 || !at.lines.childElementCount;
  /** @type {HTMLElement[]} */
  const all = [];
  let today = '';
  const last = c.lines.findLast((l) => l.own);
  c.lines.forEach((line, i) => {
    const on = dayOf(line.at);
    if (on !== today) {
      const old = at.lines.querySelector(`[data-day="${new Date(line.at).toDateString()}"]`);
      all.push(old instanceof HTMLElement ? old : element('p', { class: 'day', 'data-day': new Date(line.at).toDateString() }, on));
      today = on;
    }
    let made = drawn.get(line);
    if (!made) {
      made = lineOf(line, c, c.lines[i - 1]);
      drawn.set(line, made);
    }
    if (line.own) drawProgress(made, line, line === last);
    all.push(made);
  });
  if (!c.lines.length) {
    all.push(element('p', { class: 'nothing' }, c.room
      ? 'Nothing has been said here yet. Everybody who opens this page sees what you write.'
      : `Nothing yet. Say hello to ${titleOf(c)}: the ticks behind your message tell how far it has come.`));
  }
  if (c.lines.length || at.lines.childElementCount === 0 || !at.lines.querySelector('.nothing')) arrange(at.lines, all);
  if (follows) at.lines.scrollTop = at.lines.scrollHeight;
}

function renderTyping() {
  const now = Date.now();
  for (const [key, until] of writing) if (until < now) writing.delete(key);
  tell(at.typing, current && writing.has(current.key) ? `${titleOf(current)} is writing…` : '');
}

// Wiring

at.login.addEventListener('submit', (e) => void submitLogin(e));
at.ways.addEventListener('change', showWays);
at.find.addEventListener('submit', openSomebody);
at.compose.addEventListener('submit', submitMessage);
at.text.addEventListener('input', sayWriting);
at.text.addEventListener('keydown', (e) => {
  if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) submitMessage(e);
});
at.contact.addEventListener('click', () => void addContact());
at.reconnect.addEventListener('click', () => client?.start());
at.leave.addEventListener('click', signOut);
at.another.addEventListener('click', () => window.open(location.href, '_blank', 'noopener'));
at.status.addEventListener('change', () => {
  if (at.status.value === 'offline') client?.stop();
  else {
    client?.show(at.status.value);
    client?.start();
  }
});
at.back.addEventListener('click', () => {
  document.body.dataset.view = 'list';
  const entry = current && entries.get(current.key)?.item.querySelector('button');
  entry?.focus();
});
at.showEnvelopes.addEventListener('click', () => showEnvelopes(at.envelopes.hidden === true));
at.hideEnvelopes.addEventListener('click', () => {
  showEnvelopes(false);
  at.showEnvelopes.focus();
});
at.clearEnvelopes.addEventListener('click', () => envelopes.clear());
document.addEventListener('keydown', (e) => {
  if (e.key === 'Escape' && !at.envelopes.hidden) at.hideEnvelopes.click();
});
document.addEventListener('visibilitychange', () => {
  if (current && looking()) {
    consume(current);
    render();
  }
});
for (const event of ['online', 'offline']) window.addEventListener(event, () => client?.doubt());
window.addEventListener('pagehide', () => history?.saveNow());
window.addEventListener('storage', (e) => { // another window of the same identity
  if (history && e.key === history.storageKey && history.absorb(storage.read('local', history.storageKey))) render();
});
setInterval(() => {
  resend(false);
  renderTyping();
}, 2000);

document.body.dataset.view = 'list';
document.body.dataset.connection = 'away';
showEnvelopes(storage.read('local', 'limegrove.envelopes') === true);
const guest = storage.read('session', 'limegrove.guest');
if (typeof guest?.name === 'string' && typeof guest.identity === 'string' && guest.identity) {
  remember(guest.identity);
  start(guest.name);
} else {
  showWelcome();
  void look();
}
