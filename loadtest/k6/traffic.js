// Messages on their way: what was sent from one session to another, and what has come of it.

import { now, sleep } from './lime.js';
import { messages } from './metrics.js';

// pace calls act(k, due) so many times a second for so many milliseconds, whatever becomes of what
// it does: what is late is done at once, and is due when it was. offset, 0 to 1, spreads the VUs
// over the time between two calls.
export async function pace(rate, duration, offset, act) {
  const end = now() + duration;
  if (!(rate > 0)) {
    await sleep(duration);
    return;
  }
  let due = now() + (offset * 1000) / rate;
  for (let k = 0; due < end; k++) {
    if (due > now()) {
      await sleep(due - now());
    }
    act(k, due);
    due += 1000 / rate;
  }
}

// Flow is what one sender sends to one recipient, numbered from 0 on. Its text is
// "<flow> <number> <padding>".
class Flow {
  constructor(tags) {
    this.waiting = new Map(); // number: when it was due
    this.next = 0;
    this.newest = -1; // of those that the recipient's session has had
    this.tags = tags;
  }

  // arrived is told of message k, which the recipient's session has got that began at since.
  arrived(k, since) {
    const due = this.waiting.get(k);
    if (due !== undefined) {
      this.waiting.delete(k);
      messages.received.add(1);
      if (due >= since) {
        messages.delivery.add(now() - due, this.tags());
      } else {
        messages.catchUp.add(now() - since);
      }
      if (k < this.newest) {
        messages.disordered.add(1);
      }
    } else if (!(k < this.next)) {
      throw new Error(`message ${k} was never sent`);
    } else if (k <= this.newest) {
      messages.duplicates.add(1);
    } else {
      messages.redelivered.add(1);
    }
    this.newest = Math.max(this.newest, k);
  }
}

// Traffic is that of the sessions of one VU.
export class Traffic {
  // tags are put on the times of delivery.
  constructor(options, name, tags = () => ({})) {
    this.options = options;
    this.name = name; // is in the ids, which are told apart thereby
    this.tags = tags;
    this.flows = new Map(); // by recipient those by sender
    this.told = new Map(); // by id: {due, left}, where the sender waits for notifications
    this.padding = 'x'.repeat(options.size);
  }

  flow(from, to) {
    const senders = this.to(to);
    if (!senders.has(from)) {
      senders.set(from, new Flow(this.tags));
    }
    return senders.get(from);
  }

  to(recipient) {
    if (!this.flows.has(recipient)) {
      this.flows.set(recipient, new Map());
    }
    return this.flows.get(recipient);
  }

  // send sends the next message of sender number `from` through a session to an
  // address, and has it expected by all recipients. Without a session it is not sent, and counts.
  send(session, from, address, recipients, due) {
    const flows = recipients.map((to) => this.flow(from, to));
    const k = flows.reduce((most, flow) => Math.max(most, flow.next), 0);
    const head = `${from} ${k} `;
    const content = head + this.padding.slice(0, Math.max(0, this.options.size - head.length));
    const id = `${this.name}-${from}-${recipients.length === 1 ? recipients[0] : 'all'}-${k}`;
    const message = `"to":"${address}","type":"text/plain","content":"${content}"}`;
    if (!session || !session.send(this.options.stored ? `{"id":"${id}",${message}` : `{${message}`)) {
      messages.unsent.add(1);
      return false;
    }
    messages.sent.add(1);
    for (const flow of flows) {
      flow.next = k + 1;
      flow.waiting.set(k, due);
    }
    if (this.options.stored) {
      this.told.set(id, due);
    }
    return true;
  }

  // hear has a session take what comes for recipient i. It is a new session of it: what came in one
  // before may come again.
  hear(session, i) {
    for (const flow of this.to(i).values()) {
      flow.newest = -1;
    }
    const since = now();
    session.onMessage = (message) => {
      const [from, k] = message.content.split(' ', 2);
      this.flow(Number(from), i).arrived(Number(k), since);
      if (message.id !== undefined && this.options.receipts) {
        session.receipt(message, 'received');
      }
    };
    session.onNotification = (notification) => this.takeNotification(notification);
  }

  takeNotification({ id, event, reason }) {
    const due = this.told.get(id);
    if (due === undefined) {
      return;
    }
    switch (event) {
      case 'accepted':
        messages.accepted.add(now() - due);
        break;
      case 'received':
        messages.receipt.add(now() - due);
        this.told.delete(id);
        break;
      case 'dispatched':
        if (!this.options.receipts) {
          this.told.delete(id);
        }
        break;
      case 'failed':
        messages.refused.add(1);
        console.error(`${id}: ${reason && reason.code} ${reason && reason.description}`);
        this.told.delete(id);
        break;
      default:
    }
  }

  get missing() {
    let n = 0;
    for (const senders of this.flows.values()) {
      for (const flow of senders.values()) {
        n += flow.waiting.size;
      }
    }
    return n;
  }

  // settle waits until all has come, or nothing has for as long as SETTLE says, and counts what is
  // missing then.
  async settle() {
    let last = this.missing;
    for (let since = now(); last > 0 && now() - since < this.options.settle;) {
      await sleep(20);
      if (this.missing < last) {
        last = this.missing;
        since = now();
      }
    }
    messages.lost.add(this.missing);
  }
}
