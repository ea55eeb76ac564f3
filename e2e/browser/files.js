// What people do with files on the chat page, in a real browser: node files.js BROWSER PAGE OTHER-PAGE FILES TCP FOLDER. PAGE and FILES
// are URLs that lead to one edge, and to another when that is killed, in the middle of the second file. OTHER-PAGE and TCP
// are of the edge that stays. It says what it looks at, a line each, and exits with 1 at what is wrong.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Client } from './client.js';
import { Desk } from './desk.js';

const [executablePath, one, other, files, tcp, folder] = process.argv.slice(2);
const desk = await Desk.open(executablePath, folder);
desk.hosts.add(new URL(files).host);
const step = (...args) => desk.step(...args);

const entry = (page, title) => page.getByRole('navigation').getByRole('button').filter({ has: page.locator('.name', { hasText: new RegExp(`^${title}$`) }) });
const card = (page, name) => page.locator('.line .card-of-file').filter({ has: page.locator('.file-name', { hasText: name }) });
const upload = (page, name) => page.getByRole('list', { name: 'Files on their way' }).getByRole('listitem').filter({ hasText: name });
const attach = (page, ...some) => page.locator('#file').setInputFiles(some.map(([name, mimeType, buffer]) => ({ name, mimeType, buffer })));
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

async function enter(page, as, way) {
  await page.getByRole('textbox', { name: 'Your name' }).fill(as);
  await page.getByRole('group', { name: 'Sign in' }).getByLabel(way).check();
  if (way !== 'as a guest') await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.getByRole('button', { name: 'Start chatting' }).click();
  await page.locator('[data-connection=online] #chat').waitFor();
}

/** fetched clicks on a card, and returns what the browser saves, and under which name. */
async function fetched(page, name) {
  const saved = new Promise((resolve) => {
    page.once('download', resolve);
    page.context().once('page', (opened) => opened.once('download', resolve));
  });
  await card(page, name).getByRole('link').click();
  const download = await saved;
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

/** put has something happen with files that the page itself makes, as a browser does when they are dropped or pasted. */
const put = (page, event, selector, some) => page.evaluate(([event, selector, some]) => {
  const data = new DataTransfer();
  for (const { name, type, base64, size } of some) {
    const bytes = size ? new Uint8Array(size) : Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    data.items.add(new File([bytes], name, { type }));
  }
  const at = document.querySelector(selector);
  const all = { bubbles: true, cancelable: true };
  at.dispatchEvent(event === 'paste' ? new ClipboardEvent(event, { ...all, clipboardData: data }) : new DragEvent(event, { ...all, dataTransfer: data }));
}, [event, selector, some]);

/** slow has a page send no more than so many bytes a second. */
async function slow(page, uploadThroughput) {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput });
  return session;
}

/** asked waits until a page has asked the server about a card's file, and has drawn what follows. */
const asked = (page, name) => card(page, name).and(page.locator('[data-asked]')).waitFor();

let ana, rui;

await step('those who may send files have a button for it, and others have none', async () => {
  ana = await desk.window(one);
  await enter(ana, 'ana', 'new account');
  rui = await desk.window(other);
  await enter(rui, 'rui', 'new account');
  const gil = await desk.window(other);
  const refused = gil.waitForFunction(() => document.querySelector('#attach')?.hidden);
  await enter(gil, 'gil', 'as a guest');
  await refused;
  await ana.getByRole('button', { name: 'Attach files' }).waitFor();
  await rui.getByRole('button', { name: 'Attach files' }).waitFor();
  assert.equal(await gil.getByRole('button', { name: 'Attach files' }).count(), 0);
  await gil.context().close();
  await entry(ana, 'rui').click();
  await entry(rui, 'ana').click();
});

await step('a file goes from one edge’s page to another’s, byte by byte', async () => {
  const bytes = randomBytes(6_000_001);
  const chosen = ana.waitForEvent('filechooser');
  await ana.getByRole('button', { name: 'Attach files' }).click();
  await (await chosen).setFiles([{ name: 'Minutes – März.pdf', mimeType: 'application/pdf', buffer: bytes }]);
  await card(rui, 'Minutes – März.pdf').getByText('PDF · 5.7 MB').waitFor();
  await ana.locator('.line[data-state=consumed] .card-of-file').getByText('Minutes – März.pdf').waitFor();
  await ana.locator('#file-news', { hasText: 'Minutes – März.pdf was sent' }).waitFor({ state: 'attached' });
  await ana.locator('#tray').waitFor({ state: 'hidden' });
  const got = await fetched(rui, 'Minutes – März.pdf');
  assert.equal(got.name, 'Minutes – März.pdf');
  assert.equal(sha256(got.bytes), sha256(bytes));
});

await step('an edge dies in the middle, and the upload goes on at the other', async () => {
  const bytes = randomBytes(12 << 20);
  const offsets = [];
  ana.on('request', (r) => r.method() === 'PATCH' && offsets.push(Number(r.headers()['upload-offset'])));
  await ana.evaluate(() => { // it may be short
    globalThis.seen = [];
    new MutationObserver((all) => globalThis.seen.push(...all.map((m) => m.target.dataset.state)))
      .observe(document.getElementById('uploads'), { subtree: true, attributes: true, attributeFilter: ['data-state'] });
  });
  desk.excused = true; // browsers complain of connections
  await attach(ana, ['a large one.bin', 'application/octet-stream', bytes]);
  await ana.waitForFunction(() => globalThis.seen.includes('lost'));
  console.log('it waits for the server');
  const before = offsets.length;
  await ana.locator('#connection', { hasText: 'edge-1' }).waitFor({ state: 'hidden' });
  await ana.locator('[data-connection=online] #chat').waitFor();
  await card(rui, 'a large one.bin').getByText('BIN · 12 MB').waitFor();
  desk.excused = false;
  assert.match(await ana.locator('#connection').textContent(), /edge-2/);
  assert.ok(offsets.length > before && offsets.slice(before).every((n) => n > 0), `it begins anew: ${offsets}`);
  assert.equal(sha256((await fetched(rui, 'a large one.bin')).bytes), sha256(bytes));
});

await step('what cannot be sent is told before anything is', async () => {
  const sent = [];
  const count = (request) => sent.push(request.method());
  ana.on('request', count);
  await put(ana, 'dragover', '#talk', [{ name: 'x', type: '', size: 1 }]);
  await ana.getByText('Drop files here to send them to rui').waitFor();
  await put(ana, 'drop', '#talk', [{ name: 'holiday.mp4', type: 'video/mp4', size: 41 << 20 }]);
  await ana.getByRole('alert').filter({ hasText: 'holiday.mp4 has 41 MB. A file may have 40 MB at most.' }).waitFor();
  await ana.getByText('Drop files here').waitFor({ state: 'hidden' });
  await attach(ana, ['nothing.txt', 'text/plain', Buffer.alloc(0)]);
  await ana.getByRole('alert').filter({ hasText: 'nothing.txt is empty.' }).waitFor();
  ana.off('request', count);
  assert.deepEqual(sent, []);
  await desk.accessible(ana, 'what cannot be sent');
  await entry(ana, 'Lobby').click();
  await ana.getByRole('alert').filter({ hasText: 'is empty' }).waitFor({ state: 'hidden' });
  await entry(ana, 'rui').click();
});

let png;

await step('a picture that is pasted is shown, and what only says that it is one is not', async () => {
  png = await ana.locator('#people').screenshot();
  await put(ana, 'paste', '#text', [{ name: 'image.png', type: 'image/png', base64: png.toString('base64') }]);
  const shown = card(rui, 'image.png').locator('img');
  await shown.waitFor();
  await rui.waitForFunction(() => document.querySelector('.card-of-file img')?.naturalWidth > 0);
  assert.equal(await shown.evaluate((img) => new URL(img.src).origin), new URL(files).origin);

  const bomb = Buffer.from(png);
  bomb.writeUInt32BE(60_000, 16); // pixels that nobody has memory for
  bomb.writeUInt32BE(60_000, 20);
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
  await attach(ana, ['bomb.png', 'image/png', bomb], ['page.png', 'image/png', Buffer.from('<script>alert(1)</script>'.repeat(10))], ['drawing.svg', 'image/svg+xml', svg]);
  for (const name of ['bomb.png', 'page.png', 'drawing.svg']) {
    await asked(rui, name);
    assert.equal(await card(rui, name).locator('img').count(), 0, name);
  }
});

await step('nobody believes a sender', async () => {
  desk.excused = true; // the browser tells of a 404, and of what the policy forbids
  const real = await card(rui, 'Minutes – März.pdf').getByRole('link').getAttribute('href');
  const eve = await Client.enter(tcp, 'eve', 'home');
  const link = (content) => eve.send({ to: 'rui@localhost', type: 'application/vnd.lime.media-link+json', content });
  const fetches = [];
  rui.on('request', (request) => fetches.push(request.url()));
  link({ title: 'cat.png', type: 'image/png', size: 12, uri: real }); // which is no picture of 12 bytes
  link({ title: 'photo\u202Egnp.exe', type: 'image/png', size: 5, uri: 'https://elsewhere.example/a/b.png' });
  link({ title: '<img src=x onerror=alert(1)>', uri: 'http://elsewhere.example/', type: 'text/html' });
  link({ title: 'click', type: 'text/plain', uri: 'javascript:alert(1)' });
  link({ title: 'local', type: 'text/plain', uri: 'file:///etc/passwd' });
  link({ title: 'user', type: 'text/plain', uri: 'https://bank.example@elsewhere.example/' });
  link({ title: 'the last', type: 'text/plain', uri: real.replace(/[^/]+\/[^/]+$/, 'AAAAAAAAAAAAAAAAAAAAAA/x') });
  await entry(rui, 'eve').click();
  await card(rui, 'the last').getByText('No longer there').waitFor();
  await rui.getByText('A link that this page does not open: javascript:alert(1)').waitFor();
  await rui.locator('.card-of-file').first().scrollIntoViewIfNeeded();
  await card(rui, 'Minutes – März.pdf').getByText('PDF · 5.7 MB').waitFor(); // what the server says
  assert.equal(await card(rui, 'cat.png').count(), 0);
  await card(rui, 'photognp.exe').getByText('on elsewhere.example · EXE').waitFor();
  await card(rui, '<img src=x onerror=alert(1)>').getByText('on elsewhere.example').waitFor();
  await rui.getByRole('link', { name: 'Open on another site: photognp.exe' }).waitFor();
  const all = await rui.locator('#lines a').evaluateAll((some) => some.map((a) => [a.href, a.rel, a.target]));
  for (const [href, rel, target] of all) {
    assert.ok(!href || /^https?:/.test(href), href);
    assert.deepEqual([rel, target], ['noopener noreferrer', '_blank']);
  }
  assert.equal(all.filter(([href]) => /javascript|passwd|bank/.test(href)).length, 0);
  assert.equal(await rui.locator('#lines img').count(), 0);
  assert.deepEqual(fetches.filter((u) => u.includes('elsewhere')), []);
  eve.leave();
  const blocked = await rui.evaluate(() => fetch('http://elsewhere.example/').then(() => 'fetched', (why) => String(why)));
  assert.match(blocked, /TypeError/); // the policy lets the page talk to nobody else
  await entry(rui, 'ana').click();
  await rui.getByRole('heading', { name: 'ana' }).waitFor();
  desk.excused = false;
});

await step('an upload is cancelled, and the server forgets it', async () => {
  const link = await slow(ana, 400_000);
  await attach(ana, ['wrong one.bin', 'application/octet-stream', randomBytes(8 << 20)]);
  await upload(ana, 'wrong one.bin').getByText(/^[1-9]\d* % of 8 MB to rui$/).waitFor();
  await ana.setViewportSize({ width: 1100, height: 760 });
  await desk.accessible(ana, 'an upload');
  await desk.picture(ana, 'upload-light');
  const forgotten = ana.waitForResponse((r) => r.request().method() === 'DELETE');
  await upload(ana, 'wrong one.bin').getByRole('button', { name: 'Cancel wrong one.bin' }).click();
  assert.equal((await forgotten).status(), 204);
  await upload(ana, 'wrong one.bin').waitFor({ state: 'hidden' });
  await link.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await link.detach();
  assert.equal(await card(ana, 'wrong one.bin').count(), 0);
});

await step('how it looks, on a phone and in the dark, also after a reload', async () => {
  await card(ana, 'image.png').locator('img').waitFor();
  await desk.accessible(ana, 'a talk with files');
  await desk.picture(ana, 'files-light');
  await rui.setViewportSize({ width: 360, height: 740 });
  await rui.reload();
  await rui.locator('[data-connection=waiting], #welcome:not([hidden])').first().waitFor(); // an account has to say its password again
  await enter(rui, 'rui', 'with password');
  await entry(rui, 'ana').click();
  await card(rui, 'a large one.bin').waitFor();
  await rui.emulateMedia({ colorScheme: 'dark' });
  assert.ok(await rui.evaluate(() => document.documentElement.scrollWidth <= 360), 'it is wider than the screen');
  await desk.accessible(rui, 'files on a phone, in the dark');
  await desk.picture(rui, 'files-phone');
});

await desk.done();
process.exit(0); // the client's socket may be open yet
