// What people do on the chat page, in a real browser: node chat.js BROWSER EDGE OTHER-EDGE FOLDER. The edges are URLs of
// pages; screenshots go to the folder. It says what it looks at, a line each, and exits with 1 at what is wrong. It waits
// for what is to be seen, and never for a time.

import assert from 'node:assert/strict';
import { Desk } from './desk.js';
import { Gate } from './gate.js';

const [executablePath, one, other, folder] = process.argv.slice(2);
const gate = new Gate(new URL(other).hostname, new URL(other).port);
const far = `http://127.0.0.1:${await gate.listen()}/`;
const desk = await Desk.open(executablePath, folder);
const window = (...args) => desk.window(...args);
const tab = (...args) => desk.tab(...args);
const step = (...args) => desk.step(...args);
const accessible = (...args) => desk.accessible(...args);
const picture = (...args) => desk.picture(...args);

const name = (page) => page.getByRole('textbox', { name: 'Your name' });
const message = (page) => page.getByRole('textbox', { name: 'Message' });
const log = (page) => page.getByRole('log');
const line = (page, text) => page.locator('.line', { has: page.locator('.bubble', { hasText: new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`) }) });
const state = (page, text, want) => line(page, text).and(page.locator(`[data-state=${want}]`)).waitFor();
const entry = (page, title) => page.getByRole('navigation').getByRole('button').filter({ has: page.locator('.name', { hasText: new RegExp(`^${title}$`) }) });

const online = (page) => page.locator('[data-connection=online] #chat').waitFor();
const unread = (page, title, n) => entry(page, title).locator('.badge', { hasText: new RegExp(`^${n} unread$`) }).waitFor();

async function enter(page, as) {
  await name(page).fill(as);
  await page.getByRole('button', { name: 'Start chatting' }).click();
  await online(page);
}

async function say(page, text) {
  await message(page).fill(text);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
}

/** texts are the messages of the open conversation, in order. */
const texts = (page) => page.locator('.bubble').allTextContents();

let ana, rui, mia;

await step('a name that cannot be one is refused as text', async () => {
  ana = await window(one);
  await accessible(ana, 'the way in');
  await picture(ana, 'welcome');
  await name(ana).fill('<b>ana</b>');
  await ana.keyboard.press('Enter');
  await ana.getByRole('alert').filter({ hasText: '“<b>ana</b>” does not work as a name' }).waitFor();
  assert.equal(await ana.locator('form b').count(), 0);
});

await step('the keyboard is enough to come in', async () => {
  await ana.reload();
  await ana.locator('#name:focus').waitFor(); // nothing has to be clicked first
  await ana.keyboard.type('ana');
  await ana.keyboard.press('Enter');
  await online(ana);
  await ana.getByRole('heading', { name: 'Lobby' }).waitFor();
  await ana.getByText('Nobody else is here yet').waitFor();
  await ana.locator('#attach').waitFor({ state: 'hidden' }); // this cluster keeps no files
});

await step('two on different edges see each other', async () => {
  rui = await window(far);
  await enter(rui, 'rui');
  await entry(ana, 'rui').filter({ hasText: 'online' }).waitFor();
  await entry(rui, 'ana').filter({ hasText: 'online' }).waitFor();
  await ana.getByText('2 here: ').waitFor();
  const edges = [await ana.locator('#connection').textContent(), await rui.locator('#connection').textContent()];
  assert.match(edges[0], /^Connected to \S+$/);
  assert.notEqual(edges[0], edges[1]);
});

await step('both talk in the room', async () => {
  await say(ana, 'Good morning, everybody');
  await state(ana, 'Good morning, everybody', 'accepted');
  await line(rui, 'Good morning, everybody').waitFor();
  await say(rui, 'Morning, Ana!');
  await line(ana, 'Morning, Ana!').waitFor();
  assert.deepEqual(await texts(ana), ['Good morning, everybody', 'Morning, Ana!']);
  assert.deepEqual(await texts(rui), await texts(ana));
});

await step('a message goes through all its states, and its words are the protocol’s', async () => {
  await ana.evaluate(() => {
    globalThis.seen = [];
    new MutationObserver((all) => {
      for (const m of all) for (const at of [m.target, ...m.addedNodes]) if (at.dataset?.state && globalThis.seen.at(-1) !== at.dataset.state) globalThis.seen.push(at.dataset.state);
    }).observe(document.getElementById('lines'), { subtree: true, childList: true, attributes: true, attributeFilter: ['data-state'] });
  });
  await entry(ana, 'rui').click();
  await say(ana, 'Hello, Rui. Are you there?');
  await state(ana, 'Hello, Rui. Are you there?', 'received');
  await unread(rui, 'ana', 1); // rui looks at the room: it is unread
  assert.match(await rui.title(), /^\(1\) /);
  await entry(rui, 'ana').click();
  await state(ana, 'Hello, Rui. Are you there?', 'consumed');
  assert.doesNotMatch(await rui.title(), /^\(/);
  assert.deepEqual(await ana.evaluate(() => globalThis.seen), ['pending', 'accepted', 'dispatched', 'received', 'consumed']);
  await line(ana, 'Hello, Rui. Are you there?').getByText('Read').waitFor();
});

await step('who writes is seen', async () => {
  await message(rui).pressSequentially('Y');
  await ana.getByText('rui is writing…').waitFor();
  await say(rui, 'Yes, I am.');
  await line(ana, 'Yes, I am.').waitFor();
  await state(rui, 'Yes, I am.', 'consumed');
});

await step('how it looks', async () => {
  mia = await window(far);
  await enter(mia, 'mia');
  await say(mia, 'Who is coming to the workshop at ten?');
  await unread(ana, 'Lobby', 1);
  await say(rui, 'I was on the train when you wrote. It all waited for me.');
  await line(ana, 'I was on the train when you wrote. It all waited for me.').waitFor();
  await ana.getByRole('button', { name: 'Envelopes', exact: true }).click();
  const panel = ana.getByRole('complementary', { name: 'Envelopes' });
  await say(ana, 'And nothing twice, whichever edge you come back to.');
  await state(ana, 'And nothing twice, whichever edge you come back to.', 'consumed');
  await panel.locator('.envelope[data-direction=out][data-kind=message]', { hasText: 'And nothing twice' }).locator('summary').click();
  await panel.locator('ol').evaluate((list) => list.scrollTo(0, list.scrollHeight));
  await picture(ana, 'chat-light');
  await ana.emulateMedia({ colorScheme: 'dark' });
  await picture(ana, 'chat-dark');
  await ana.emulateMedia({ colorScheme: 'light' });
  await entry(ana, 'Lobby').click();
  await picture(ana, 'room');
  await entry(ana, 'rui').click();
  await ana.keyboard.press('Escape');
});

await step('who was cut off finds what has waited, in order and once, and what he wrote arrives', async () => {
  desk.excused = true;
  gate.cut();
  await rui.locator('[data-connection=waiting]').waitFor();
  await rui.getByRole('button', { name: 'Connect now' }).waitFor();
  await rui.setViewportSize({ width: 360, height: 740 });
  await picture(rui, 'phone-cut-off');
  await rui.setViewportSize({ width: 1280, height: 800 });
  await entry(ana, 'rui').filter({ hasText: 'offline' }).waitFor();
  await ana.getByText('not here now, messages wait').waitFor();
  for (const text of ['The first while you are away', 'The second']) {
    await say(ana, text);
    await state(ana, text, 'accepted'); // stored, and nobody has it
  }
  await say(rui, 'Written on the train');
  await state(rui, 'Written on the train', 'pending');
  await entry(ana, 'Lobby').click();
  await say(ana, 'Said to the room meanwhile');
  await state(ana, 'Said to the room meanwhile', 'accepted');
  await entry(ana, 'rui').click();
  gate.mend(); // and nobody clicks anything
  await online(rui);
  desk.excused = false;
  await state(ana, 'The first while you are away', 'consumed');
  await state(ana, 'The second', 'consumed');
  await line(ana, 'Written on the train').waitFor();
  await state(rui, 'Written on the train', 'consumed');
  await unread(rui, 'Lobby', 2); // the room has kept it, too
  await entry(rui, 'Lobby').click();
  await line(rui, 'Said to the room meanwhile').waitFor();
  await entry(rui, 'ana').click();
  const all = await texts(rui);
  assert.deepEqual(all.filter((t) => t.includes('The')), ['The first while you are away', 'The second']);
  assert.deepEqual((await texts(ana)).filter((t) => t === 'Written on the train'), ['Written on the train']);
});

await step('a link that is dead without a word is noticed, and what was said into it arrives once, without storage', async () => {
  const mute = new Gate(new URL(other).hostname, new URL(other).port);
  const noa = await window(`http://127.0.0.1:${await mute.listen()}/`, {}, async (page) => {
    await page.clock.install();
    await page.addInitScript(() => {
      for (const kind of ['localStorage', 'sessionStorage']) {
        Object.defineProperty(globalThis, kind, { get() { throw new DOMException('not here', 'SecurityError'); } });
      }
    });
  });
  await enter(noa, 'noa');
  await entry(ana, 'noa').click();
  await entry(noa, 'ana').click();
  desk.excused = true;
  mute.mute();
  await say(noa, 'Does anybody hear me?');
  await line(ana, 'Does anybody hear me?').waitFor(); // the server has it, and cannot say so
  await state(noa, 'Does anybody hear me?', 'pending');
  await noa.clock.fastForward(26_000); // it asks for a sign
  await noa.clock.fastForward(11_000); // and has none
  await noa.locator('[data-connection=waiting]').waitFor();
  mute.mend();
  await noa.clock.fastForward(1_000);
  await online(noa);
  desk.excused = false;
  await state(noa, 'Does anybody hear me?', 'accepted'); // ana's receipts went into the dead link, and are not said again
  await say(noa, 'Now I do');
  await line(ana, 'Now I do').waitFor();
  assert.deepEqual(await texts(ana), ['Does anybody hear me?', 'Now I do']);
  await noa.context().close();
  mute.close();
  await entry(ana, 'rui').click();
});

await step('a reload takes up where it was', async () => {
  const before = await texts(rui);
  await rui.reload();
  await online(rui);
  await entry(rui, 'ana').click();
  assert.deepEqual(await texts(rui), before);
  await say(ana, 'Welcome back');
  await line(rui, 'Welcome back').waitFor();
});

await step('offline on purpose', async () => {
  const status = rui.getByRole('combobox', { name: 'Your status' });
  await status.selectOption('Offline');
  await entry(ana, 'rui').filter({ hasText: 'offline' }).waitFor();
  await say(ana, 'For when you are back');
  await state(ana, 'For when you are back', 'accepted');
  await status.selectOption('Available');
  await line(rui, 'For when you are back').waitFor();
  await state(ana, 'For when you are back', 'consumed');
});

await step('markup stays text, in messages and in names', async () => {
  const hostile = '<img src=x onerror="document.title=\'broken\'"> <b>bold</b> & <script>alert(1)</script>';
  await say(ana, hostile);
  await line(rui, hostile).waitFor();
  const eve = await window(one);
  await enter(eve, '%3Cimg src=x onerror=alert(1)%3E'); // a name may be what was markup once
  await say(eve, hostile);
  await entry(rui, 'Lobby').filter({ hasText: hostile.slice(0, 20) }).waitFor();
  await entry(rui, '%3Cimg src=x onerror=alert\\(1\\)%3E').waitFor();
  for (const page of [ana, rui, eve]) {
    assert.equal(await page.locator('#people img, #talk img, #envelopes img, #chat script, #chat b').count(), 0);
    assert.doesNotMatch(await page.title(), /broken/);
  }
  await eve.context().close();
  desk.excused = true;
  await assert.rejects(ana.evaluate(() => { document.body.innerHTML = '<b>x</b>'; }), /TrustedHTML/); // the policy holds
  desk.excused = false;
});

await step('the keyboard is enough to talk', async () => {
  const press = async (key, until) => {
    for (let i = 0; i < 60; i++) {
      await ana.keyboard.press(key);
      if (await until()) return;
    }
    assert.fail(`${key} does not lead there`);
  };
  const focused = (selector) => () => ana.evaluate((s) => document.activeElement?.matches(s) ?? false, selector);
  const named = (text) => () => ana.evaluate((t) => document.activeElement?.querySelector('.name')?.textContent === t, text);
  await ana.locator('#who').focus();
  await press('Tab', named('Lobby'));
  await ana.keyboard.press('Enter');
  await ana.getByRole('heading', { name: 'Lobby' }).waitFor();
  await ana.locator('#text:focus').waitFor();
  await press('Shift+Tab', named('rui'));
  await ana.keyboard.press('Enter');
  await ana.getByRole('heading', { name: 'rui' }).waitFor();
  await ana.keyboard.type('Without a mouse');
  await ana.keyboard.press('Shift+Enter');
  await ana.keyboard.type('on two lines');
  await ana.keyboard.press('Enter');
  await ana.locator('.line[data-state=consumed] .bubble', { hasText: 'Without a mouse\non two lines' }).waitFor();
  await press('Shift+Tab', focused('#show-envelopes'));
  await ana.keyboard.press('Enter');
  await ana.getByRole('complementary', { name: 'Envelopes' }).waitFor();
  await press('Tab', focused('summary'));
  await ana.keyboard.press('Enter');
  await ana.locator('.envelope[open] pre').waitFor();
  await ana.keyboard.press('Escape');
  await ana.locator('#show-envelopes:focus').waitFor();
});

await step('the envelopes are those of the protocol, without secrets, and bounded', async () => {
  await ana.getByRole('button', { name: 'Envelopes', exact: true }).click();
  const panel = ana.getByRole('complementary', { name: 'Envelopes' });
  await entry(ana, 'rui').click();
  await say(ana, 'Look at the envelopes');
  await state(ana, 'Look at the envelopes', 'consumed');
  const mine = panel.locator('.envelope[data-direction=out][data-kind=message]', { hasText: 'Look at the envelopes' });
  await mine.locator('summary').click();
  const envelope = JSON.parse(await mine.locator('pre').textContent());
  assert.equal(envelope.content, 'Look at the envelopes');
  assert.equal(envelope.to, 'rui@localhost');
  assert.equal(envelope.type, 'text/plain');
  const events = await panel.locator('.envelope[data-kind=notification]').evaluateAll((all) => all.slice(-4).map((e) => e.querySelector('.what').textContent));
  assert.deepEqual(events, ['accepted', 'dispatched', 'received', 'consumed']);
  assert.ok(await panel.locator('li').count() <= 200);
  await accessible(ana, 'the chat');
  await ana.emulateMedia({ colorScheme: 'dark' });
  await accessible(ana, 'the chat in the dark', ['color-contrast']);
  await ana.emulateMedia({ colorScheme: 'light' });
});

await step('an account, which is found again with its contacts', async () => {
  const zoe = await window(one);
  const form = (page) => page.getByRole('group', { name: 'Sign in' });
  const secret = (page) => page.getByLabel('Password', { exact: true });
  await name(zoe).fill('zoe');
  await form(zoe).getByLabel('new account').check();
  await secret(zoe).fill('correct horse');
  await zoe.keyboard.press('Enter');
  await online(zoe);
  await zoe.getByRole('button', { name: 'Envelopes', exact: true }).click();
  const shown = await zoe.locator('#envelope-list').evaluate((list) => {
    for (const d of list.querySelectorAll('details')) d.open = true;
    return new Promise((resolve) => setTimeout(() => resolve(list.textContent)));
  });
  assert.ok(shown.includes('"scheme": "plain"') && shown.includes('•••'), 'the login is shown');
  assert.ok(!shown.includes(Buffer.from('correct horse').toString('base64')), 'a password is shown');
  await zoe.getByRole('textbox', { name: 'Write to somebody' }).fill('tom');
  await zoe.keyboard.press('Enter');
  await zoe.getByRole('button', { name: 'Add to contacts' }).click();
  await zoe.getByRole('button', { name: 'Add to contacts' }).waitFor({ state: 'hidden' });
  await zoe.getByRole('button', { name: 'Sign out' }).click();
  await name(zoe).waitFor();
  assert.equal(await zoe.evaluate(() => Object.entries(localStorage).concat(Object.entries(sessionStorage)).flat().some((t) => t.includes('correct'))), false);

  const later = await window(far);
  await name(later).fill('zoe');
  await form(later).getByLabel('with password').check();
  await secret(later).fill('wrong');
  await later.keyboard.press('Enter');
  await later.getByRole('alert').filter({ hasText: /\S/ }).waitFor();
  await secret(later).fill('correct horse');
  await later.keyboard.press('Enter');
  await entry(later, 'tom').waitFor(); // the server has kept it
  await later.context().close();
  await name(zoe).fill('zoe');
  await form(zoe).getByLabel('as a guest').check();
  await zoe.keyboard.press('Enter');
  await zoe.getByRole('alert').filter({ hasText: /\S/ }).waitFor(); // no guest takes an account's name
  await zoe.context().close();
});

await step('a phone', async () => {
  const lia = await window(one, { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true });
  await picture(lia, 'phone-welcome');
  await enter(lia, 'lia');
  await entry(lia, 'rui').waitFor();
  const fits = async (what) => assert.ok(await lia.evaluate(() => document.documentElement.scrollWidth <= 360), `${what} is wider than the screen`);
  await fits('the list');
  await accessible(lia, 'the list on a phone');
  await picture(lia, 'phone-list');
  await entry(lia, 'rui').tap();
  await say(lia, 'On my way, with a message that is long enough to need more than one line here');
  await state(lia, 'On my way, with a message that is long enough to need more than one line here', 'received');
  await fits('the talk');
  await accessible(lia, 'the talk on a phone');
  await entry(rui, 'lia').click();
  await say(rui, 'See you soon!');
  await line(lia, 'See you soon!').waitFor();
  await lia.emulateMedia({ colorScheme: 'dark' });
  await picture(lia, 'phone-talk');
  await lia.getByRole('button', { name: 'Envelopes', exact: true }).tap();
  await fits('the list of envelopes');
  await accessible(lia, 'the envelopes on a phone', undefined, '#envelopes');
  await picture(lia, 'phone-envelopes');
  await lia.getByRole('button', { name: 'Close envelopes' }).tap();
  await lia.getByRole('button', { name: 'Back to conversations' }).tap();
  await entry(lia, 'Lobby').waitFor();
});

await step('a window that is duplicated leaves the session to one', async () => {
  const instance = await ana.evaluate(() => [sessionStorage.getItem('limegrove.instance'), sessionStorage.getItem('limegrove.guest')]);
  const twin = await tab(ana.context(), one);
  await twin.evaluate(([i, g]) => {
    sessionStorage.setItem('limegrove.instance', i);
    sessionStorage.setItem('limegrove.guest', g);
  }, instance);
  await twin.reload();
  await online(twin);
  await ana.getByText('This chat goes on in another window.').waitFor();
  await ana.getByRole('button', { name: 'Use it here' }).click();
  await online(ana);
  await twin.getByText('This chat goes on in another window.').waitFor();
});

await desk.done();
gate.close();
