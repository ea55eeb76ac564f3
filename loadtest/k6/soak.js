// soak: a day in the life, for as long as one likes: pairs that write to each other, commands, and
// people who come and go.
//
//   k6 run soak.js -e EDGES=ws://a:8080,ws://b:8080 -e VUS=20 -e SOCKETS=100 -e DURATION=8h -e CHURN=5
//
// As chat, and in addition CHURN sessions a second of all VUs together finish and begin again a
// second later, and a tenth of RATE are commands to the server. A session that the server ends, as a
// rolling restart does, begins again on the next edge; MAX_ENDED says how many of these may be.
// What has to be so: as for chat. The summary has the times of delivery of each quarter of DURATION,
// so that what creeps shows.
// The other options are in README.md.

import { fault, main, named } from './clients.js';
import { now, sleep } from './lime.js';
import { commands, delivered, soundness } from './metrics.js';
import { read, test } from './options.js';
import { summary } from './report.js';
import { Traffic, pace } from './traffic.js';

const o = { ...read({ duration: '1h' }), stored: true }; // it waits for who is away
const parts = ['q1', 'q2', 'q3', 'q4'];
const thresholds = { ...soundness(o), ...delivered(o) };
for (const part of parts) {
  thresholds[`lime_delivery_time{part:${part}}`] = thresholds.lime_delivery_time;
}

export const options = test(o, thresholds);
export const setup = named(o);
export const handleSummary = summary('soak', o);

export default main(o, async (clients) => {
  let part = parts[0];
  const traffic = new Traffic(o, clients.name, () => ({ part }));
  const prepare = async (session, i) => {
    traffic.hear(session, i);
    await session.available();
  };
  const all = await clients.gather(Math.max(2, o.sockets - (o.sockets % 2)), prepare);
  const away = new Set();
  const again = async (i) => {
    all[i] = await clients.begin(i, now(), prepare);
    away.delete(i);
  };
  clients.onEnded = (i) => {
    away.add(i);
    clients.later(again(i));
  };
  const came = async (i) => {
    away.add(i);
    await clients.leave(all[i]);
    await sleep(1000);
    await again(i);
  };

  const share = 1 / o.vus;
  const began = now();
  await Promise.all([
    pace(o.rate * share, o.duration, clients.vu / o.vus % 1, (k, due) => {
      part = parts[Math.min(3, Math.floor((4 * (due - began)) / o.duration))];
      const from = k % all.length;
      const to = from ^ 1;
      if (!away.has(from)) { // who is away writes nothing
        traffic.send(all[from], from, clients.node(to), [to], due);
      }
    }),
    pace((o.rate * share) / 10, o.duration, 0.5, (k, due) => {
      const i = k % all.length;
      if (!away.has(i) && all[i]) {
        const answer = all[i].command('get', '/presence').then(() => commands.time.add(now() - due));
        clients.later(answer.catch((error) => away.has(i) || fault(error)));
      }
    }),
    pace(o.churn * share, o.duration - 2000, 0.5, (k) => {
      const i = (7 * k) % all.length;
      if (!away.has(i) && all[i]) {
        clients.later(came(i));
      }
    }),
  ]);
  await clients.settled();
  await traffic.settle();
  await clients.leave();
});
