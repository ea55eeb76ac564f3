// chat: pairs of people who write to each other, one on the edge after that of the other.
//
//   k6 run chat.js -e EDGES=ws://a:8080,ws://b:8080 -e VUS=10 -e SOCKETS=100 -e RATE=1000
//
// The SOCKETS sessions of a VU are pairs, of which both write: RATE messages a second of all VUs
// together for DURATION, of SIZE bytes, open loop. With STORED=no they have no ids, and come at most
// once. With RECEIPTS=received recipients say that they have them, else their pongs do.
// What has to be so: what soundness and delivered in metrics.js list; MAX_LOST and DELIVERY_P95.
// The other options are in README.md.

import { main, named } from './clients.js';
import { delivered, soundness } from './metrics.js';
import { read, test } from './options.js';
import { summary } from './report.js';
import { Traffic, pace } from './traffic.js';

const o = read();

export const options = test(o, { ...soundness(o), ...delivered(o) });
export const setup = named(o);
export const handleSummary = summary('chat', o);

export default main(o, async (clients) => {
  const traffic = new Traffic(o, clients.name);
  const all = await clients.gather(Math.max(2, o.sockets - (o.sockets % 2)), async (session, i) => {
    traffic.hear(session, i);
    await session.available();
  });
  await pace(o.rate / o.vus, o.duration, clients.vu / o.vus % 1, (k, due) => {
    const from = k % all.length;
    const to = from ^ 1; // its pair
    traffic.send(all[from], from, clients.node(to), [to], due);
  });
  await traffic.settle();
  await clients.leave();
});
