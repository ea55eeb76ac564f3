// LIME over k6/websockets: sessions of guests and of accounts, envelopes, and commands with
// their answers. A VU may have as many sessions as it likes; they share its event loop.
//
// https://github.com/takenet/lime-protocol describes the protocol, docs/protocol.md what
// Limegrove serves of it.

import { WebSocket } from 'k6/websockets';
import encoding from 'k6/encoding';
import exec from 'k6/execution';

// now is the time since the test began, in milliseconds with fractions: Date knows none.
export function now() {
  return exec.instance.currentTestRunDuration;
}

// sleep waits without holding up the VU's other sessions.
export function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));
}

// LimeError is a reason of LIME's: of a session that failed, or of a command's failure.
export class LimeError extends Error {
  constructor(what, reason) {
    const { code, description } = reason || {};
    super(`${what}: ${code === undefined ? 'no reason' : `${code} ${description || ''}`}`);
    this.code = code;
  }
}

const types = {
  account: 'application/vnd.lime.account+json',
  group: 'application/vnd.lime.group+json',
  groupmember: 'application/vnd.lime.groupmember+json',
  presence: 'application/vnd.lime.presence+json',
};

// Session is one client's. Its owner sets these, which do nothing at first:
//
//   onMessage(message), onNotification(notification)   what comes
//   onEnd(error)      it has ended without having been asked to
//   onFault(error)    something was thrown while an envelope was handled
//
// A response that nobody waits for, and a command of the server's, are left alone.
export class Session {
  onMessage() {}
  onNotification() {}
  onEnd() {}
  onFault(error) {
    throw error;
  }

  // open connects to a WebSocket's URL and establishes a session of node
  // (name@domain/instance): as a guest, or with a password of the account's. It rejects when
  // that has not come about in so many milliseconds, or with a LimeError.
  static open(url, node, { password = null, timeout = 30000 } = {}) {
    const session = new Session();
    session.node = node;
    session.commands = new Map(); // by id: {resolve, reject}
    session.count = 0;
    session.asked = false; // to end
    return new Promise((resolve, reject) => {
      session.begun = { resolve, reject };
      session.late = setTimeout(() => session.fail(new Error(`no session within ${timeout} ms`)), timeout);
      const socket = new WebSocket(url, 'lime');
      session.socket = socket;
      socket.onopen = () => session.say('{"state":"new"}');
      socket.onmessage = (event) => session.take(event.data, password);
      socket.onerror = (event) => session.fail(new Error(event.error));
      socket.onclose = () => session.fail(new Error('the connection was closed'));
    });
  }

  get established() {
    return this.begun === null && this.socket.readyState === 1;
  }

  // send sends an envelope: an object, or JSON as text, which costs less where there are many.
  // It returns false, and sends nothing, when the session has ended.
  send(envelope) {
    if (!this.established) {
      return false;
    }
    this.say(typeof envelope === 'string' ? envelope : JSON.stringify(envelope));
    return true;
  }

  // receipt tells who has sent a message what became of it: 'received' or 'consumed'.
  receipt(message, event) {
    return this.send(`{"id":${JSON.stringify(message.id)},"to":${JSON.stringify(message.from)},"event":"${event}"}`);
  }

  // command resolves to the resource of the server's answer, or of another node's when fields
  // has a `to`. It rejects with a LimeError, or when there is none within 30 s.
  command(method, uri, type, resource, fields = {}) {
    const id = `c${++this.count}`;
    const request = { id, method, uri, ...fields };
    if (type) {
      Object.assign(request, { type: types[type] || type, resource });
    }
    return new Promise((resolve, reject) => {
      if (!this.send(request)) {
        reject(new Error(`${method} ${uri}: the session has ended`));
        return;
      }
      const late = setTimeout(() => this.answered(id, new Error(`${method} ${uri}: no answer`)), 30000);
      this.commands.set(id, { resolve, reject, late, what: `${method} ${uri}` });
    });
  }

  // available has the session be reached at its identity as well, as people's are. With echo it
  // gets what it sends there itself.
  available(more = {}) {
    return this.command('set', '/presence', 'presence', { status: 'available', routingRule: 'identity', ...more });
  }

  // finish ends the session by LIME's rules: what was on its way to it comes before.
  finish() {
    this.asked = true;
    if (!this.established) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const late = setTimeout(() => this.fail(new Error('finishing is not answered')), 10000);
      this.finished = () => {
        clearTimeout(late);
        resolve();
      };
      this.say(`{"id":"${this.id}","state":"finishing"}`);
    });
  }

  // drop closes the connection without a word of LIME, as a client does that loses its network.
  drop() {
    this.asked = true;
    this.release(new Error('dropped'));
    this.hangUp();
  }

  // What follows is the session's own.

  say(text) {
    this.socket.send(text);
  }

  // hangUp closes the connection, or has it closed when it is there: k6 would wait for ever to close
  // one that is not.
  hangUp() {
    const connecting = 0;
    if (this.socket.readyState === connecting) {
      this.socket.onopen = () => this.socket.close();
    } else {
      this.socket.close();
    }
  }

  take(text, password) {
    try {
      const envelope = JSON.parse(text);
      if (envelope.state !== undefined) {
        this.takeState(envelope, password);
      } else if (envelope.method !== undefined) {
        this.takeCommand(envelope);
      } else if (envelope.event !== undefined) {
        this.onNotification(envelope);
      } else {
        this.onMessage(envelope);
      }
    } catch (error) {
      this.onFault(error);
    }
  }

  takeState(envelope, password) {
    switch (envelope.state) {
      case 'authenticating':
        this.say(JSON.stringify({
          id: envelope.id,
          state: 'authenticating',
          from: this.node,
          scheme: password === null ? 'guest' : 'plain',
          authentication: password === null ? {} : { password: encoding.b64encode(password) },
        }));
        return;
      case 'established': {
        this.id = envelope.id;
        this.node = envelope.to || this.node;
        const { resolve } = this.begun;
        this.begun = null;
        clearTimeout(this.late);
        resolve(this);
        return;
      }
      case 'finished':
        this.fail(new Error('the server has finished the session'));
        return;
      default:
        this.fail(new LimeError(`session ${envelope.state}`, envelope.reason));
    }
  }

  takeCommand(envelope) {
    if (envelope.method === 'get' && envelope.uri === '/ping') {
      this.send({ id: envelope.id, to: envelope.from, method: 'get', status: 'success', type: 'application/vnd.lime.ping+json', resource: {} });
      return;
    }
    if (envelope.status === 'success') {
      this.answered(envelope.id, null, envelope.resource);
    } else if (envelope.status === 'failure') {
      this.answered(envelope.id, envelope.reason || {});
    }
  }

  answered(id, error, resource) {
    const waiting = this.commands.get(id);
    if (!waiting) {
      return;
    }
    this.commands.delete(id);
    clearTimeout(waiting.late);
    if (!error) {
      waiting.resolve(resource);
    } else {
      waiting.reject(error instanceof Error ? error : new LimeError(waiting.what, error));
    }
  }

  // fail is told of the end, more than once at times, of which the first counts.
  fail(error) {
    this.hangUp();
    if (this.begun) {
      const { reject } = this.begun;
      this.begun = null;
      clearTimeout(this.late);
      this.asked = true;
      reject(error);
      return;
    }
    const told = this.asked;
    this.asked = true;
    this.release(error);
    if (!told) {
      this.onEnd(error);
    }
  }

  // release lets go of whoever waits for something.
  release(error) {
    for (const id of [...this.commands.keys()]) {
      this.answered(id, error);
    }
    if (this.finished) {
      this.finished();
      this.finished = null;
    }
  }
}

// register makes an account in the way LIME has for it: by a guest. One that is there already
// is left as it is.
export async function register(url, identity, password) {
  const [name, domain] = identity.split('@');
  const guest = await Session.open(url, `register-${name}@${domain}/k6`);
  try {
    await guest.command('set', '/account', 'account', { password: encoding.b64encode(password) }, { from: identity, pp: guest.node });
  } catch (error) {
    const taken = 66;
    if (error.code !== taken) {
      throw error;
    }
  } finally {
    await guest.finish();
  }
}
