// storm: everybody loses the connection at once and comes back, while messages for them go on.
//
//   k6 run storm.js -e EDGES=ws://a:8080,ws://b:8080 -e VUS=100 -e SOCKETS=100 -e WINDOW=10s -e ROUNDS=3
//
// Of the SOCKETS sessions of a VU a tenth write to the others, RATE messages a second of all VUs
// together, all the time; they are stored for who is away. In each of ROUNDS the others lose their
// connections at once, come back at times drawn from WINDOW, as the next session of the same node,
// mostly on another edge, and DURATION passes until the next.
// What has to be so: all come back, RECOVERY_P95 from the loss to the next session, no message is
// lost, or comes twice to one session; again to the next one it may. Recipients send receipts, since
// a pong is sent before k6 has the script see what the pong stands for.
// The other options are in README.md.

import { main, named } from './clients.js';
import { now, sleep } from './lime.js';
import { delivered, sessions, soundness } from './metrics.js';
import { read, test } from './options.js';
import { summary } from './report.js';
import { Traffic, pace } from './traffic.js';

const o = { ...read({ duration: '20s' }), stored: true, receipts: true };

export const options = test(o, { ...soundness(o), ...delivered(o), lime_recovery_time: [`p(95)<=${o.recoveryP95}`] }, o.rounds * (o.duration + o.window));
export const setup = named(o);
export const handleSummary = summary('storm', o);

export default main(o, async (clients) => {
  const traffic = new Traffic(o, clients.name);
  const prepare = async (session, i) => {
    traffic.hear(session, i);
    await session.available();
  };
  const all = await clients.gather(Math.max(2, o.sockets), prepare);
  const writers = Math.ceil(all.length / 10);
  let over = false;
  const write = (async () => {
    for (let turn = 0; !over; turn++) { // a second each, so that it ends soon after the last round
      await pace(o.rate / o.vus, 1000, 0, (k, due) => {
        const n = Math.round(turn * o.rate / o.vus) + k;
        const to = writers + (n % (all.length - writers));
        traffic.send(all[n % writers], n % writers, clients.node(to), [to], due);
      });
    }
  })();
  for (let round = 0; round < o.rounds; round++) {
    await known(clients, traffic, all, writers);
    const lost = now();
    for (let i = writers; i < all.length; i++) {
      if (all[i]) {
        clients.lose(all[i]);
        all[i] = undefined;
      }
    }
    await Promise.all(all.map(async (_, i) => {
      if (i < writers) {
        return;
      }
      const due = lost + Math.random() * o.window;
      await sleep(due - now());
      all[i] = await clients.begin(i, due, prepare);
      if (all[i]) {
        sessions.recovery.add(now() - lost);
      }
    }));
    await sleep(o.duration);
  }
  over = true;
  await write;
  await traffic.settle();
  await clients.leave();
});

// known has every session answer a message by a receipt: from then on the edge waits for receipts,
// and takes no pong for one.
async function known(clients, traffic, all, writers) {
  for (let to = writers; to < all.length; to++) {
    if (all[to]) {
      traffic.send(all[to % writers], to % writers, clients.node(to), [to], now());
    }
  }
  const began = now();
  while (traffic.missing > 0 && now() - began < o.settle) {
    await sleep(5);
  }
}
