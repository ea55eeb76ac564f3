// group: each VU has a group of SOCKETS people, of whom SENDERS write to it.
//
//   k6 run group.js -e EDGES=ws://a:8080,ws://b:8080 -e VUS=10 -e SOCKETS=50 -e RATE=100
//   k6 run group.js -e KIND=room -e EDGES=…
//
// RATE messages a second of all VUs together for DURATION, each of which comes to all members.
// KIND=group, the default, are groups of accounts, which the script makes: what is sent is stored
// for each member (STORED=no: for those who are there, at most once). KIND=room are rooms, which
// keep nothing and have guests; the edges' -room-rules must let them in:
// [{"room":"/k6/*","may":["enter","publish"]}]
// What has to be so: what soundness and delivered in metrics.js list; MAX_LOST and DELIVERY_P95, to
// each of the members. The other options are in README.md.

import { main, named } from './clients.js';
import { delivered, soundness } from './metrics.js';
import { read, test } from './options.js';
import { summary } from './report.js';
import { Traffic, pace } from './traffic.js';

const o = read({ sockets: 50, rate: 20 });
const inRoom = o.kind === 'room';
if (!inRoom) {
  o.auth = 'plain'; // no guest is in a group
}

export const options = test(o, { ...soundness(o), ...delivered(o) });
export const setup = named(o);
export const handleSummary = summary(`group (${o.kind})`, o);

export default main(o, async (clients) => {
  const traffic = new Traffic(o, clients.name);
  let address = '';
  const all = await clients.gather(o.sockets, async (session, i) => {
    traffic.hear(session, i);
    await session.available({ echo: true }); // so that who writes gets it as well
    if (inRoom) {
      address = (await session.command('subscribe', `/rooms/k6/${clients.name}`)).address;
    }
  });
  if (!all[0]) {
    throw new Error('who would have made the group has no session');
  }
  if (!inRoom) {
    address = `${clients.name}@groups.${o.domain}`;
    await found(clients, all[0], address);
  }
  const members = all.map((_, i) => i);
  await pace(o.rate / o.vus, o.duration, clients.vu / o.vus % 1, (k, due) => {
    const from = k % Math.min(o.senders, all.length);
    traffic.send(all[from], from, address, members, due);
  });
  await traffic.settle();
  await clients.leave();
});

// found makes the group, with all as its members.
async function found(clients, owner, address) {
  await owner.command('set', '/groups', 'group', { identity: address, name: 'k6' });
  for (let i = 1; i < clients.options.sockets; i++) {
    await owner.command('set', `/groups/${address}/members`, 'groupmember', { address: clients.identity(i) });
  }
}
