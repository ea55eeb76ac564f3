// The sessions of one VU: who they are, when they begin, and their end.

import exec from 'k6/execution';

import { Session, now, register, sleep } from './lime.js';
import { faults, sessions } from './metrics.js';

// setup gives a run its name, which is in the names of all its identities. Runs that are parts of
// one test may be given the same by RUN: VUs are numbered through all of them.
export function named(options) {
  return () => ({ run: options.run || Math.random().toString(36).slice(2, 8) });
}

// main makes a script's default function of what a VU does with its clients: whatever is thrown
// counts, and no connection is left.
export function main(options, act) {
  return async (data) => {
    const clients = new Clients(options, data.run);
    try {
      await act(clients);
    } catch (error) {
      fault(error);
    } finally {
      clients.drop();
    }
  };
}

export function fault(error) {
  faults.add(1);
  console.error(`VU ${exec.vu.idInTest}: ${error.stack || error}`);
}

// Clients are those of one VU.
export class Clients {
  constructor(options, run) {
    this.options = options;
    this.vu = exec.vu.idInTest; // from 1 on, in all instances of a test together
    this.name = `k6-${run}-${this.vu}`;
    this.all = new Set();
    this.tasks = new Set();
    this.leaving = false;
  }

  identity(i) {
    return `${this.name}-${i}@${this.options.domain}`;
  }

  node(i) {
    return `${this.identity(i)}/k6`;
  }

  // url spreads the sessions over the edges, one after the other in each VU.
  url(i) {
    const { edges } = this.options;
    return edges[(this.vu + i) % edges.length];
  }

  // gather opens the first n sessions at this VU's share of CONNECT_RATE, and returns those that
  // came about, each at its place; the others are undefined. Accounts are made before that.
  async gather(n, prepare) {
    const all = Array.from({ length: n }, (_, i) => i);
    const { vus, connectRate, auth } = this.options;
    if (auth === 'plain') {
      await this.register(all);
    }
    const began = now();
    return Promise.all(all.map(async (i) => {
      const due = began + ((i * vus + ((this.vu - 1) % vus)) * 1000) / connectRate;
      await sleep(due - now());
      return this.begin(i, due, prepare);
    }));
  }

  // register makes the accounts of sessions, one after the other: a password costs the cluster tens
  // of milliseconds.
  async register(all) {
    for (const i of all) {
      await this.attempt(`account ${this.identity(i)}`, () => register(this.url(i), this.identity(i), this.options.password));
    }
  }

  // begin opens session i, which was due then. prepare(session, i) sets what is to hear, before
  // anything comes, and may do what belongs to the beginning. It resolves to undefined when nothing
  // came of all attempts, which counts.
  begin(i, due, prepare) {
    const { auth, password } = this.options;
    return this.attempt(this.node(i), async (attempt) => {
      const session = await Session.open(this.url(i + attempt), this.node(i), { password: auth === 'plain' ? password : null });
      session.onFault = fault;
      session.onEnd = (error) => this.ended(session, i, error);
      this.all.add(session);
      try {
        sessions.established.add(1);
        sessions.time.add(now() - due);
        if (prepare) {
          await prepare(session, i);
        }
        return session;
      } catch (error) {
        this.lose(session);
        throw error;
      }
    });
  }

  // attempt does something that an edge may refuse for now, up to TRIES times, and waits longer
  // each time.
  async attempt(what, act) {
    for (let attempt = 0; ; attempt++) {
      try {
        return await act(attempt);
      } catch (error) {
        if (attempt + 1 >= this.options.tries) {
          sessions.failed.add(1);
          console.error(`${what}: ${error}`);
          return undefined;
        }
        sessions.retried.add(1);
        console.debug(`${what}: ${error}`);
        await sleep(Math.min(500 * 2 ** attempt, 10000) * (0.5 + Math.random()));
      }
    }
  }

  // ended counts a session that ended by itself. Others may do more about it.
  ended(session, i, error) {
    this.all.delete(session);
    if (!this.leaving) {
      sessions.ended.add(1);
      console.error(`${session.node}: ${error.message}`);
      this.onEnded(i);
    }
  }

  onEnded() {}

  // later notes what goes on beside the script; what it throws counts.
  later(promise) {
    const task = promise.catch(fault).then(() => this.tasks.delete(task));
    this.tasks.add(task);
  }

  // settled waits for all that goes on.
  settled() {
    return Promise.all([...this.tasks]);
  }

  // lose drops the connection of a session.
  lose(session) {
    this.all.delete(session);
    session.drop();
  }

  // leave finishes a session, or all.
  async leave(session) {
    if (session) {
      this.all.delete(session);
      await session.finish();
      return;
    }
    this.leaving = true;
    await Promise.all([...this.all].map((one) => one.finish()));
  }

  drop() {
    this.leaving = true;
    for (const one of this.all) {
      one.drop();
    }
  }
}
