// ramp: sessions begin at a steady rate, stay, ask for something now and then, and end politely.
//
//   k6 run ramp.js -e EDGES=ws://a:8080,ws://b:8080 -e VUS=100 -e SOCKETS=100 -e CONNECT_RATE=1000
//
// VUS × SOCKETS sessions begin, CONNECT_RATE a second of all VUs together, and are held for DURATION
// after the last; meanwhile all together send RATE commands a second to the server.
// What has to be so: all begin, SESSION_P95 of the time from when each was due, none ends by itself.
// The other options are in README.md.

import { main, named } from './clients.js';
import { now } from './lime.js';
import { commands, soundness } from './metrics.js';
import { read, test } from './options.js';
import { summary } from './report.js';
import { pace } from './traffic.js';

const o = read({ duration: '30s', rate: 10 });

export const options = test(o, soundness(o));
export const setup = named(o);
export const handleSummary = summary('ramp', o);

export default main(o, async (clients) => {
  const all = (await clients.gather(o.sockets, (session) => session.available())).filter(Boolean);
  await pace(o.rate / o.vus, o.duration, clients.vu / o.vus % 1, (k, due) => {
    const session = all[k % all.length];
    if (session && session.established) {
      clients.later(session.command('get', '/presence').then(() => commands.time.add(now() - due)));
    }
  });
  await clients.settled();
  await clients.leave();
});
