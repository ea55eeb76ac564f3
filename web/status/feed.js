// @ts-check
// What the member tells, as server-sent events. They are fetched and not had by an EventSource, which cannot bring a token.

/**
 * @typedef {object} Rate
 * @property {number} envelopes
 * @property {number} bytes
 *
 * @typedef {object} Session
 * @property {string} node
 * @property {string} [edge]
 * @property {string} [remote]
 * @property {string} over
 * @property {Rate} received
 * @property {Rate} sent
 * @property {number} [queued]
 * @property {number} [slow]
 *
 * @typedef {object} Report
 * @property {string} version
 * @property {string} nats
 * @property {number} connections
 * @property {Rate} received
 * @property {Rate} sent
 * @property {number} [commands]
 * @property {number} [logins]
 * @property {Record<string, number>} [dropped]
 * @property {Record<string, number>} [states]
 * @property {Record<string, number>} [dialects]
 * @property {number} busy
 * @property {number} processors
 * @property {number} cores
 * @property {number} [lag]
 * @property {number} memory
 * @property {number} [queued]
 * @property {number} [lease]
 * @property {number} [round_trip]
 *
 * @typedef {object} Member
 * @property {string} incarnation
 * @property {string} id
 * @property {'edge' | 'router' | ''} role
 * @property {string} [zone]
 * @property {string} [addr]
 * @property {number} sessions
 * @property {string} started
 * @property {'healthy' | 'overloaded' | 'draining' | 'silent' | 'asked' | 'gone'} health
 * @property {Report} [report]
 * @property {number} [age]
 *
 * @typedef {object} Snapshot
 * @property {number} at
 * @property {string} self
 * @property {number} interval
 * @property {boolean} token
 * @property {boolean} named
 * @property {Member[]} members
 * @property {Session[]} busiest
 * @property {Session[]} slowest
 *
 * @typedef {object} Sample
 * @property {number} at
 * @property {number} sessions
 * @property {number} received
 * @property {number} sent
 * @property {number} dropped
 * @property {number} busy
 *
 * @typedef {object} Events
 * @property {(samples: Sample[]) => void} history
 * @property {(snapshot: Snapshot) => void} snapshot
 * @property {(text: string) => void} waiting
 * @property {() => void} refused
 */

/** For how long a feed may be silent, in milliseconds; a server that is there says something every 15 s. */
const silence = 40_000;
const pauses = [500, 1000, 2000, 5000];

/** Feed has events told for as long as the page is open. */
export class Feed {
  /** @type {AbortController | null} */
  #request = null;
  #failures = 0;
  #token = '';
  #wake = () => {};

  /** @param {string} url @param {Events} events */
  constructor(url, events) {
    this.url = url;
    this.events = events;
    void this.#run();
  }

  /** authorize has whole addresses told, or no longer with no token. @param {string} token */
  authorize(token) {
    if (token === this.#token) return;
    this.#token = token;
    this.#failures = 0;
    this.#request?.abort();
    this.#wake();
  }

  async #run() {
    for (;;) {
      const why = await this.#once().catch((/** @type {unknown} */ error) => (error instanceof Error ? error.message : String(error)));
      if (why === '') continue;
      this.events.waiting(why);
      const pause = pauses[Math.min(this.#failures++, pauses.length - 1)];
      await /** @type {Promise<void>} */ (new Promise((resolve) => {
        const timer = setTimeout(resolve, pause);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      }));
    }
  }

  /** once reads until the end, and returns why that was; "" to go on at once. */
  async #once() {
    const request = new AbortController();
    this.#request = request;
    const token = this.#token;
    let timer = setTimeout(() => request.abort(), silence);
    try {
      const answer = await fetch(this.url, {
        headers: token ? { Authorization: `Bearer ${token}` } : {}, signal: request.signal, cache: 'no-store', credentials: 'same-origin', redirect: 'error',
      });
      if (token && (answer.status === 401 || answer.status === 403)) {
        if (token === this.#token) {
          this.#token = '';
          this.events.refused();
        }
        return '';
      }
      if (!answer.ok || !answer.body) return (await answer.json().catch(() => ({}))).error ?? `the answer is ${answer.status}`;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return 'it has ended the connection';
        clearTimeout(timer);
        timer = setTimeout(() => request.abort(), silence);
        text += value;
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          this.#take(text.slice(0, end));
          text = text.slice(end + 2);
        }
      }
    } catch (error) {
      if (token !== this.#token) return '';
      return request.signal.aborted ? 'it is silent' : 'it cannot be reached';
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {string} block */
  #take(block) {
    let name = '';
    let data = '';
    for (const line of block.split('\n')) {
      if (line.startsWith('event: ')) name = line.slice(7);
      if (line.startsWith('data: ')) data += line.slice(6);
    }
    if (!data) return;
    this.#failures = 0;
    if (name === 'history') this.events.history(JSON.parse(data) ?? []);
    if (name === 'snapshot') this.events.snapshot(JSON.parse(data));
  }
}
