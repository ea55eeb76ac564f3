// What operators do on the status page, in a real browser: node status.js BROWSER FOLDER TOKEN ADMIN OTHER-ADMIN TCP OTHER-TCP. Of two
// edges, the third and fourth are URLs of their admin ports, the last two host:port for clients over TCP. Screenshots go to the
// folder. It says what it looks at, a line each, and exits with 1 at what is wrong. It waits for what is to be seen, and
// never for a time. At its end it has drained the other edge.

import assert from 'node:assert/strict';
import { Client } from './client.js';
import { Desk } from './desk.js';

const [executablePath, folder, token, admin, otherAdmin, tcp, otherTcp] = process.argv.slice(2);
const desk = await Desk.open(executablePath, folder);
const step = (what, does) => desk.step(what, does);

const row = (page, id) => page.locator(`#members tr[data-id="${id}"]`);
const figure = (page, id) => page.locator(`#t-${id}`);
const dialog = (page) => page.getByRole('dialog');
const sessionsOf = (page, id) => row(page, id).locator('td[data-name=Sessions] .value');
/** said resolves when an element has a text that is as it should be. */
const said = (page, selector, is) => page.waitForFunction(([s, source]) => new RegExp(source).test(document.querySelector(s)?.textContent ?? ''), [selector, is.source]);
/** number is what a number on the page is. */
const number = async (locator) => Number((await locator.textContent()).replace(/[^\d.]/g, ''));
/** pixels are what a chart looks like. */
const pixels = (page, title) => page.locator('.chart', { has: page.getByRole('heading', { name: title }) }).locator('canvas').evaluate((canvas) => canvas.toDataURL());

/** Whoever is told to go comes back at the other edge, as a balancer would have it. */
const crowd = new Map();
async function enter(at, name, instance) {
  const client = await Client.enter(at, name, instance, (gone) => {
    if (crowd.get(gone.node) === gone && !ending) void enter(otherTcp, name, instance).catch(() => {});
  });
  crowd.set(client.node, client);
  return client;
}
let ending = false;

let page, other, ana, slow;
const requests = [];

await step('both edges and the router are there', async () => {
  page = await desk.window(`${admin}/status`, { viewport: { width: 1440, height: 1000 } });
  page.on('request', (r) => requests.push({ url: r.url(), method: r.method() }));
  other = await desk.window(`${otherAdmin}/status`);
  for (const one of [page, other]) {
    await one.locator('[data-connection=live] #connection').waitFor();
    for (const id of ['edge-1', 'edge-2', 'router']) await row(one, id).locator('.pill[data-health=healthy]').waitFor();
  }
  assert.match(await page.locator('#connection').textContent(), /as edge-1 sees it/);
  assert.match(await other.locator('#connection').textContent(), /as edge-2 sees it/);
  assert.equal(await figure(page, 'members').textContent(), '3');
  assert.match(await page.locator('#t-members-more').textContent(), /^2 edges, 1 router/);
  assert.match(await row(page, 'edge-1').textContent(), /this page/);
  assert.equal(await row(page, 'edge-1').locator('td[data-name=Zone]').textContent(), 'north');
  await desk.accessible(page, 'the page');
});

await step('who comes is counted, and the charts move', async () => {
  assert.equal(await number(figure(page, 'sessions')), 0);
  const before = { sessions: await pixels(page, 'Sessions'), envelopes: await pixels(page, 'Envelopes a second') };
  ana = await enter(tcp, 'ana', 'home');
  await enter(otherTcp, 'ana', 'phone');
  for (let i = 0; i < 10; i++) await enter(tcp, `rider-${i}`, 'app');
  await said(page, '#t-sessions', /^12$/);
  await said(other, '#t-sessions', /^12$/);
  await said(page, '#members tr[data-id=edge-1] td[data-name=Sessions] .value', /^11$/);
  const talk = setInterval(() => {
    if (ending) return clearInterval(talk);
    for (let i = 0; i < 4; i++) ana.say(`rider-${i}@localhost`, `Ride ${i} is on its way`);
    crowd.get('rider-1@localhost/app')?.say('ana@localhost/home', 'Where are you?');
  }, 20);
  await said(page, '#t-sent', /^[1-9]/);
  await said(other, '#t-received', /^[1-9]/);
  assert.notEqual(await pixels(page, 'Sessions'), before.sessions);
  await page.waitForFunction((was) => [...document.querySelectorAll('.chart')].find((c) => c.textContent?.includes('Envelopes'))?.querySelector('canvas')?.toDataURL() !== was, before.envelopes);
});

await step('a window that comes later begins with what was', async () => {
  await page.waitForFunction(() => (document.querySelector('.chart .now')?.textContent ?? '') !== '');
  const late = await desk.window(`${admin}/status`);
  await late.locator('[data-connection=live] #connection').waitFor();
  await said(late, '#t-sessions', /^1\d$/);
  await late.context().close();
});

await step('sessions that stand out are there, with addresses that are cut', async () => {
  await page.locator('#busiest .node', { hasText: /^a…@localhost$/ }).waitFor();
  assert.doesNotMatch(await page.locator('main').textContent(), /ana@|rider-/);
  slow = await enter(otherTcp, 'slow', 'tab');
  slow.socket.pause();
  const flood = setInterval(() => {
    if (ending) return clearInterval(flood);
    for (let i = 0; i < 20; i++) ana.say('slow@localhost/tab', 'x'.repeat(4000));
  }, 20);
  await page.locator('#slowest .node', { hasText: 's…@localhost' }).waitFor();
  await page.locator('#slowest .much', { hasText: /waiting$/ }).first().waitFor();
});

await step('who is refused without a token is told so, and comes again after a pause', async () => {
  desk.excused = true; // the browser tells of the refusals
  let refusals = 0;
  const refused = await desk.window(`${admin}/status`, {}, (p) => p.route('**/status/events', async (route) => {
    refusals++;
    await route.fulfill({ status: 401, contentType: 'application/json', body: '{"error":"the proxy wants to know who you are"}' });
  }));
  await refused.locator('#connection', { hasText: 'the proxy wants to know who you are' }).waitFor();
  assert.ok(refusals < 3, `it has asked ${refusals} times`);
  await refused.context().close();
  desk.excused = false;
});

await step('a wrong token is refused', async () => {
  desk.excused = true; // browsers tell of answers like 401
  await page.getByRole('button', { name: 'Unlock' }).click();
  await page.getByLabel('Admin token').fill('not the token at all');
  await page.keyboard.press('Enter');
  await dialog(page).getByRole('alert').filter({ hasText: 'This is not the admin token.' }).waitFor();
  await desk.accessible(page, 'the dialog', undefined, 'dialog');
  await page.keyboard.press('Escape');
  await dialog(page).waitFor({ state: 'hidden' });
  assert.equal(await page.getByRole('button', { name: 'Unlock' }).evaluate((b) => b === document.activeElement), true, 'the focus goes back');
  desk.excused = false;
});

await step('the token shows whole addresses', async () => {
  await page.getByRole('button', { name: 'Unlock' }).click();
  await page.getByLabel('Admin token').fill(token);
  await page.keyboard.press('Enter');
  await dialog(page).waitFor({ state: 'hidden' });
  await page.locator('#busiest .node', { hasText: /^ana@localhost\/home$/ }).waitFor();
  await page.getByRole('button', { name: 'Lock', exact: true }).waitFor();
  assert.doesNotMatch(await other.locator('main').textContent(), /ana@localhost\/home/);
});

await step('an identity is found with its instances, its presence and what waits', async () => {
  const mia = await enter(tcp, 'mia', 'web');
  crowd.delete(mia.node);
  const left = mia.told((e) => e.state === 'finished');
  mia.leave();
  await left;
  for (const id of ['m1', 'm2']) {
    const accepted = ana.told((e) => e.event === 'accepted' && e.id === id);
    ana.say('mia@localhost', `For when you are back, ${id}`, id);
    await accepted;
  }
  const who = page.getByRole('textbox', { name: 'Identity' });
  const search = async (text) => {
    await who.fill(text);
    await page.keyboard.press('Enter');
  };
  await search('mia@localhost');
  await page.locator('#found .waits', { hasText: /^2 messages waiting$/ }).waitFor();
  await page.locator('#found', { hasText: 'It has no session' }).waitFor();
  crowd.get('ana@localhost/phone').send({ id: 'p', method: 'set', uri: '/presence', type: 'application/vnd.lime.presence+json', resource: { status: 'busy', message: 'driving', routingRule: 'identity' } });
  await crowd.get('ana@localhost/phone').told((e) => e.id === 'p' && e.status === 'success');
  await search('ana');
  const found = page.locator('#found tbody tr');
  await found.filter({ hasText: 'home' }).filter({ hasText: 'edge-1' }).waitFor();
  await found.filter({ hasText: 'phone' }).filter({ hasText: 'edge-2' }).filter({ hasText: 'busy, driving' }).waitFor();
  assert.equal(await found.count(), 2);
  desk.excused = true;
  await search('<b>@</b>');
  await page.locator('#search-error', { hasText: 'no identity' }).waitFor();
  desk.excused = false;
  assert.equal(await page.locator('#search-error b').count(), 0);
  await search('ana');
  await found.first().waitFor();
  await desk.accessible(page, 'the page with what is found');
});

await step('how it looks', async () => {
  await page.evaluate(() => window.scrollTo(0, 0));
  await desk.picture(page, 'status-light');
  await desk.picture(page, 'status-light-whole', { fullPage: true });
  await page.getByLabel('Colours').selectOption('Dark');
  await desk.accessible(page, 'the page in the dark', ['color-contrast']);
  await desk.picture(page, 'status-dark');
  await desk.picture(page, 'status-dark-whole', { fullPage: true });
  await page.getByLabel('Colours').selectOption('Auto');
  const phone = await desk.window(`${otherAdmin}/status`, { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true, colorScheme: 'dark' });
  await row(phone, 'edge-2').locator('.pill[data-health=healthy]').waitFor();
  assert.ok(await phone.evaluate(() => document.documentElement.scrollWidth <= 360), 'the page is wider than the screen');
  await desk.accessible(phone, 'the page on a phone');
  await desk.picture(phone, 'status-phone', { fullPage: true });
  await phone.context().close();
});

await step('the edges are evened out when somebody asks and confirms', async () => {
  const before = await number(sessionsOf(page, 'edge-1'));
  await page.getByRole('button', { name: 'Rebalance…' }).click();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await dialog(page).waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Rebalance…' }).click();
  await page.getByRole('button', { name: 'Rebalance', exact: true }).click();
  await page.locator('#said', { hasText: '2 of 2 edges even out now' }).waitFor();
  await page.waitForFunction((was) => Number(document.querySelector('#members tr[data-id=edge-1] td[data-name=Sessions] .value')?.textContent) < was, before);
});

await step('an edge is drained by its button, with a confirmation', async () => {
  await page.getByRole('button', { name: 'Drain edge-2…' }).click();
  await dialog(page).filter({ hasText: 'Drain edge-2?' }).waitFor();
  await desk.picture(page, 'status-drain');
  ending = true;
  desk.excused = true; // the window on the other edge loses its feed
  await dialog(page).getByRole('button', { name: 'Drain edge-2' }).click();
  await page.locator('#said', { hasText: 'Edge-2 drains' }).waitFor();
  await row(page, 'edge-2').locator('.pill[data-health=draining], .pill[data-health=gone]').waitFor();
  await row(page, 'edge-2').locator('.pill[data-health=gone]').waitFor();
  await other.locator('[data-connection=waiting] #connection').waitFor();
  await row(page, 'edge-1').locator('.pill[data-health=healthy]').waitFor();
});

await step('the token was in no address', async () => {
  assert.ok(requests.some((r) => r.method === 'POST'));
  for (const r of requests) assert.ok(!r.url.includes(token), r.url);
  assert.equal(await page.evaluate((t) => Object.entries(localStorage).concat(Object.entries(sessionStorage)).flat().some((s) => s.includes(t)), token), false);
});

await desk.done();
process.exit(0);
