// A client of LIME over TCP, a guest, for whoever needs some traffic and no page.

import { connect } from 'node:net';

/** objects takes whole JSON objects from the beginning of a text, and returns the rest. */
function objects(text, take) {
  let depth = 0;
  let quoted = false;
  let begin = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '\\') i++;
      else if (c === '"') quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === '{') depth++;
    else if (c === '}' && --depth === 0) {
      take(JSON.parse(text.slice(begin, i + 1)));
      begin = i + 1;
    }
  }
  return text.slice(begin);
}

export class Client {
  #text = '';
  #waiters = [];
  received = 0;

  /** enter resolves when name@localhost/instance is in session at host:port. left is called when the session has ended. */
  static enter(at, name, instance, left = () => {}) {
    const client = new Client();
    client.node = `${name}@localhost/${instance}`;
    const [host, port] = at.split(':');
    client.socket = connect(Number(port), host);
    client.socket.setEncoding('utf8');
    client.socket.on('data', (text) => {
      client.#text = objects(client.#text + text, (envelope) => client.#take(envelope));
    });
    client.socket.on('error', () => {}); // close follows
    client.socket.on('close', () => left(client));
    client.socket.on('connect', () => client.send({ state: 'new' }));
    return new Promise((resolve, reject) => {
      client.entered = () => resolve(client);
      client.refused = (envelope) => reject(new Error(`${client.node} is not let in: ${JSON.stringify(envelope)}`));
    });
  }

  send(envelope) {
    this.socket.write(JSON.stringify(envelope));
  }

  say(to, content, id) {
    this.send({ ...(id ? { id } : {}), to, type: 'text/plain', content });
  }

  /** told resolves to the next envelope that is as it should be. */
  told(is) {
    return new Promise((resolve) => {
      this.#waiters.push({ is, resolve });
    });
  }

  leave() {
    this.send({ id: this.session, state: 'finishing' });
  }

  #take(envelope) {
    this.received++;
    this.#waiters = this.#waiters.filter(({ is, resolve }) => !is(envelope) || resolve(envelope));
    switch (envelope.state) {
      case 'negotiating':
        if (envelope.encryptionOptions) this.send({ id: envelope.id, state: 'negotiating', compression: 'none', encryption: 'none' });
        break;
      case 'authenticating':
        this.send({ id: envelope.id, from: this.node, state: 'authenticating', scheme: 'guest', authentication: {} });
        break;
      case 'established':
        this.session = envelope.id;
        this.entered();
        break;
      case 'failed':
        this.refused(envelope);
        break;
      default:
        if (envelope.method === 'get' && envelope.uri === '/ping') {
          this.send({ id: envelope.id, to: envelope.from, method: 'get', status: 'success', type: 'application/vnd.lime.ping+json', resource: {} });
        }
    }
  }
}
