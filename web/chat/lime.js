// @ts-check
// A small client of LIME over WebSocket: it keeps one session, and comes back by itself when that is lost. It knows
// nothing of the page, and of storage: what becomes of messages is its owner's to remember.

/**
 * A LIME envelope of any kind; which it is, is told by content, event, method or state.
 * @typedef {object} Envelope
 * @property {string} [id]
 * @property {string} [from]
 * @property {string} [to]
 * @property {string} [pp]
 * @property {string} [type]
 * @property {unknown} [content]
 * @property {string} [event]
 * @property {string} [method]
 * @property {string} [uri]
 * @property {any} [resource]
 * @property {string} [status]
 * @property {string} [state]
 * @property {string} [scheme]
 * @property {string[]} [schemeOptions]
 * @property {unknown} [authentication]
 * @property {{code: number, description?: string}} [reason]
 * @property {Record<string, string>} [metadata]
 */

/**
 * Who logs in. Without a password it is a guest.
 * @typedef {{name: string, instance: string, password?: string}} Login
 */

/** Media types that the page speaks of. */
export const media = {
  text: 'text/plain',
  presence: 'application/vnd.lime.presence+json',
  account: 'application/vnd.lime.account+json',
  contact: 'application/vnd.lime.contact+json',
  chatState: 'application/vnd.lime.chatstate+json',
  room: 'application/vnd.limegrove.room+json',
  link: 'application/vnd.lime.media-link+json',
  file: 'application/vnd.limegrove.file+json',
};

/** Reason codes that are acted on; timeout is our own. */
export const codes = { conflict: 12, authentication: 13, identity: 25, timeout: -1, taken: 66 };

/**
 * stays tells whether asking again would be answered alike: what is wrong is the request, or who asks.
 * @param {number} code
 */
export const stays = (code) => (code > 20 && code < 40) || (code > 61 && code < 70);

/** An error with a reason of LIME's. */
export class Refusal extends Error {
  /** @param {{code?: number, description?: string} | undefined} reason */
  constructor(reason) {
    super(reason?.description || 'The server gave no reason');
    this.code = reason?.code ?? 0;
  }
}

/** The time that an answer, or the beginning of a session, may take, in milliseconds. */
const patience = 10_000;

/** After how much silence a session is asked whether it is still there, in milliseconds. */
const silence = 25_000;

/** newId returns an id that nobody else has. */
export const newId = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
};

/** @param {string} text */
const base64 = (text) => btoa(Array.from(new TextEncoder().encode(text), (b) => String.fromCharCode(b)).join(''));

/**
 * identityOf returns a node without its instance.
 * @param {string} node
 */
export const identityOf = (node) => node.split('/', 1)[0];

/**
 * nameOf returns the name of a node or an identity.
 * @param {string} node
 */
export const nameOf = (node) => identityOf(node).split('@', 1)[0];

/**
 * domainOf returns the domain of a node or an identity.
 * @param {string} node
 */
export const domainOf = (node) => identityOf(node).split('@')[1] ?? '';

/**
 * instanceOf returns what is behind the first slash of a node.
 * @param {string} node
 */
export const instanceOf = (node) => {
  const slash = node.indexOf('/');
  return slash < 0 ? '' : node.slice(slash + 1);
};

/**
 * same tells whether two addresses are one: they compare without regard to case.
 * @param {string} a
 * @param {string} b
 */
export const same = (a, b) => a.toLowerCase() === b.toLowerCase();

/**
 * withoutSecrets returns an envelope as it may be shown.
 * @param {Envelope} envelope
 * @returns {Envelope}
 */
export function withoutSecrets(envelope) {
  const shown = structuredClone(envelope);
  for (const part of [shown.authentication, shown.resource, shown.resource?.upload, shown.resource?.download]) {
    if (!part || typeof part !== 'object') continue;
    for (const secret of ['password', 'oldPassword', 'key', 'accessKey', 'token']) {
      if (secret in part) /** @type {any} */ (part)[secret] = '•••';
    }
  }
  return shown;
}

/**
 * Tap is told of every envelope.
 * @callback Tap
 * @param {'out' | 'in'} direction
 * @param {Envelope} envelope
 */

/**
 * Session is one conversation with the server, over one socket. It ends once, and tells so by closed.
 */
class Session {
  /**
   * @param {string} url
   * @param {Tap} tap
   */
  constructor(url, tap) {
    this.tap = tap;
    /** The id, which the server gives. */
    this.id = '';
    /** The node that was given. */
    this.node = '';
    this.established = false;
    /** @type {(envelope: Envelope) => void} */
    this.take = () => {};
    /** @type {Map<string, {resolve: (e: Envelope) => void, reject: (e: Error) => void, timer: number}>} */
    this.asked = new Map();
    /** @type {((envelope: Envelope) => void) | null} */
    this.awaited = null;
    this.socket = new WebSocket(url, 'lime');
    /** Resolves with the last envelope of the session, or with undefined, when it is over. */
    this.closed = new Promise((resolve) => {
      /** @type {Envelope | undefined} */
      let last;
      /** @type {(envelope?: Envelope) => void} */
      this.end = (envelope) => {
        last ??= envelope;
        for (const { reject, timer } of this.asked.values()) {
          clearTimeout(timer);
          reject(new Refusal({ description: 'The connection was lost' }));
        }
        this.asked.clear();
        this.established = false;
        clearTimeout(this.watch);
        this.socket.close();
        resolve(last);
      };
      this.socket.onclose = () => this.end?.();
      this.socket.onmessage = (event) => this.#read(event.data, (envelope) => (last = envelope));
    });
    this.watch = 0;
  }

  /**
   * @param {unknown} data
   * @param {(last: Envelope) => void} ends
   */
  #read(data, ends) {
    /** @type {Envelope} */
    let envelope;
    try {
      envelope = JSON.parse(String(data));
    } catch {
      this.end?.({ state: 'failed', reason: { code: 21, description: 'The server sent what is no JSON' } });
      return;
    }
    this.tap('in', envelope);
    if (this.established) this.#listen();
    if (envelope.state !== undefined) {
      if (envelope.state === 'failed' || envelope.state === 'finished') {
        ends(envelope);
        this.end?.(envelope);
      }
      this.awaited?.(envelope);
      return;
    }
    const waiting = envelope.status !== undefined && envelope.id ? this.asked.get(envelope.id) : undefined;
    if (waiting && envelope.id) {
      this.asked.delete(envelope.id);
      clearTimeout(waiting.timer);
      if (envelope.status === 'failure') waiting.reject(new Refusal(envelope.reason));
      else waiting.resolve(envelope);
      return;
    }
    this.take(envelope);
  }

  /** @param {Envelope} envelope */
  send(envelope) {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    this.tap('out', envelope);
    this.socket.send(JSON.stringify(envelope));
    return true;
  }

  /**
   * next waits for the next session envelope.
   * @returns {Promise<Envelope>}
   */
  #next() {
    return new Promise((resolve) => (this.awaited = resolve));
  }

  /**
   * offer opens the session and returns what the server offers to log in by.
   * @returns {Promise<Envelope>}
   */
  async offer() {
    await new Promise((resolve) => {
      this.socket.onopen = resolve;
      void this.closed.then(resolve);
    });
    const next = this.#next();
    this.send({ state: 'new' });
    const answer = await Promise.race([next, this.closed, late()]);
    if (answer?.state !== 'authenticating') throw new Refusal(answer?.reason ?? { description: 'The server does not answer' });
    this.id = answer.id ?? '';
    return answer;
  }

  /**
   * login establishes the session that offer has opened.
   * @param {Login} who
   * @returns {Promise<void>}
   */
  async login(who) {
    const next = this.#next();
    this.send({
      id: this.id,
      from: `${who.name}/${who.instance}`,
      state: 'authenticating',
      scheme: who.password === undefined ? 'guest' : 'plain',
      authentication: who.password === undefined ? {} : { password: base64(who.password) },
    });
    const answer = await Promise.race([next, this.closed, late()]);
    if (answer?.state !== 'established') throw new Refusal(answer?.reason ?? { description: 'The server does not answer' });
    this.node = answer.to ?? '';
    this.established = true;
    this.#listen();
  }

  /** listen asks a server that says nothing whether it is still there. */
  #listen() {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => this.probe(), silence);
  }

  /** probe ends a session whose server does not answer. */
  probe() {
    this.command({ method: 'get', uri: '/ping' }).catch((why) => {
      if (why instanceof Refusal && why.code !== codes.timeout) return; // an answer, whatever it says
      this.end?.();
    });
  }

  /**
   * command asks for something and returns the response; a failure is a Refusal.
   * @param {Envelope} request
   * @returns {Promise<Envelope>}
   */
  command(request) {
    const id = newId();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.asked.delete(id);
        reject(new Refusal({ code: codes.timeout, description: 'There was no answer in time' }));
      }, patience);
      this.asked.set(id, { resolve, reject, timer });
      if (!this.send({ id, ...request })) {
        this.asked.delete(id);
        clearTimeout(timer);
        reject(new Refusal({ description: 'There is no connection' }));
      }
    });
  }

  /** finish ends the session politely. */
  finish() {
    if (!this.established || !this.send({ id: this.id, state: 'finishing' })) {
      this.end?.();
      return;
    }
    setTimeout(() => this.end?.(), 1000);
  }
}

/** late is no answer, after a while. */
const late = () => new Promise((resolve) => setTimeout(resolve, patience, undefined));

/**
 * What a client is: away on purpose, on its way, in session, waiting for the next attempt, or at its end.
 * @typedef {'away' | 'connecting' | 'online' | 'waiting' | 'ended'} State
 */

/**
 * What a client tells of. None may throw.
 * @typedef {object} Handlers
 * @property {(state: State, detail: {seconds?: number, reason?: Refusal}) => void} state
 * @property {() => void} established in session, and reachable
 * @property {(message: Envelope) => void} message
 * @property {(notification: Envelope) => void} notification
 * @property {(command: Envelope) => void} observe a command that nobody has asked for
 * @property {Tap} tap
 */

/** Client keeps a session, until it is stopped or refused for good. */
export class Client {
  /**
   * @param {string} url of the WebSocket
   * @param {Login} login
   * @param {Handlers} handlers
   */
  constructor(url, login, handlers) {
    this.url = url;
    this.login = login;
    this.handlers = handlers;
    /** @type {State} */
    this.state = 'away';
    /** @type {Session | null} */
    this.session = null;
    this.attempts = 0;
    this.timer = 0;
    /** What others see. */
    this.status = 'available';
    /** The session's own node, which stays when it is lost. */
    this.node = '';
    /** The edge that has, or had, the session. */
    this.edge = '';
  }

  get online() {
    return this.state === 'online';
  }

  /** start connects now, also when that is due later. */
  start() {
    if (this.state === 'online' || this.state === 'connecting') return;
    clearTimeout(this.timer);
    void this.#connect();
  }

  #presence() {
    return { method: 'set', uri: '/presence', type: media.presence, resource: { status: this.status, routingRule: 'identity' } };
  }

  /**
   * show tells others of a status, and those of a session to come.
   * @param {string} status
   */
  show(status) {
    this.status = status;
    if (this.online) this.session?.command(this.#presence()).catch(() => {}); // the next session says it again
  }

  /** stop ends the session politely, until start. */
  stop() {
    clearTimeout(this.timer);
    this.#become('away', {});
    this.session?.finish();
    this.session = null;
  }

  /** doubt looks whether the session is still there, and comes back at once when it may. */
  doubt() {
    if (this.state === 'online') this.session?.probe();
    else if (this.state === 'waiting') this.start();
  }

  /** @param {Envelope} envelope */
  send(envelope) {
    return this.online && this.session !== null && this.session.send(envelope);
  }

  /** @param {Envelope} request */
  command(request) {
    if (!this.online || !this.session) return Promise.reject(new Refusal({ description: 'There is no connection' }));
    return this.session.command(request);
  }

  /**
   * @param {State} state
   * @param {{seconds?: number, reason?: Refusal}} detail
   */
  #become(state, detail) {
    this.state = state;
    this.handlers.state(state, detail);
  }

  async #connect() {
    this.#become('connecting', {});
    const session = new Session(this.url, this.handlers.tap);
    this.session = session;
    let reason;
    try {
      const offer = await session.offer();
      const scheme = this.login.password === undefined ? 'guest' : 'plain';
      if (!offer.schemeOptions?.includes(scheme)) {
        throw new Refusal({ code: codes.authentication, description: scheme === 'guest' ? 'Guests are not let in here' : 'Passwords are not taken here' });
      }
      await session.login(this.login);
      if (this.session !== session) return session.finish(); // it was stopped meanwhile
      const began = Date.now();
      session.take = (envelope) => this.#take(envelope);
      this.node = session.node;
      this.edge = instanceOf(offer.from ?? '').replace(/^#/, '') || 'the server';
      this.#become('online', {});
      await session.command(this.#presence()); // only then an account gets what is for its identity
      if (this.session !== session) return;
      this.handlers.established();
      const last = await session.closed;
      if (Date.now() - began > 5000) this.attempts = 0; // it was a good one
      reason = last?.reason ? new Refusal(last.reason) : undefined;
      if (this.session === session && last?.state === 'finished') {
        this.#wait(Math.random()); // the edge stops, or has too many: another one takes us
        return;
      }
    } catch (why) {
      reason = why instanceof Refusal ? why : new Refusal({ description: String(why) });
      session.end?.();
    }
    if (this.session !== session) return;
    this.session = null;
    if (reason && [codes.conflict, codes.authentication, codes.identity].includes(reason.code)) {
      this.#become('ended', { reason });
      return;
    }
    const most = Math.min(30, 0.5 * 2 ** this.attempts++);
    this.#wait(most / 2 + (Math.random() * most) / 2);
  }

  /** @param {number} seconds */
  #wait(seconds) {
    this.session = null;
    this.#become('waiting', { seconds });
    this.timer = setTimeout(() => void this.#connect(), seconds * 1000);
  }

  /** @param {Envelope} envelope */
  #take(envelope) {
    if (envelope.method !== undefined) {
      if (envelope.method === 'observe') this.handlers.observe(envelope);
      else if (envelope.method === 'get' && envelope.uri === '/ping' && envelope.status === undefined && envelope.id) {
        this.send({ id: envelope.id, to: envelope.from, method: 'get', status: 'success', type: 'application/vnd.lime.ping+json', resource: {} });
      }
    } else if (envelope.event !== undefined) this.handlers.notification(envelope);
    else if (envelope.content !== undefined) this.handlers.message(envelope);
  }
}

/**
 * lookAt returns what a server offers, and says of itself, without a session.
 * @param {string} url
 * @param {Tap} tap
 * @returns {Promise<{domain: string, edge: string, schemes: string[]}>}
 */
export async function lookAt(url, tap) {
  const session = new Session(url, tap);
  try {
    const { from = '', schemeOptions = [] } = await session.offer();
    return { domain: domainOf(from), edge: instanceOf(from).replace(/^#/, ''), schemes: schemeOptions };
  } finally {
    session.end?.();
  }
}

/**
 * register makes an account, as a guest who asks for it.
 * @param {string} url
 * @param {{name: string, password: string, domain: string}} account
 * @param {Tap} tap
 */
export async function register(url, { name, password, domain }, tap) {
  const session = new Session(url, tap);
  try {
    await session.offer();
    await session.login({ name: `new-${newId()}`, instance: 'web' });
    await session.command({
      method: 'set', uri: '/account', from: `${name}@${domain}`, pp: session.node, type: media.account,
      resource: { password: base64(password) },
    });
  } finally {
    session.finish();
  }
}
