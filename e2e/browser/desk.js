// What tests do with a browser: windows in which nothing is complained of, steps that are said aloud, pictures.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

/** For whatever a busy machine may be slow at. */
const patience = 30_000;

/** Desk is a browser, and a folder for pictures. */
export class Desk {
  #steps = 0;
  #complaints = [];
  /** Whether something is done of which browsers complain by themselves. */
  excused = false;
  /** Hosts that pages may fetch from besides their own. */
  hosts = new Set();

  static async open(executablePath, folder) {
    await mkdir(folder, { recursive: true });
    const desk = new Desk();
    desk.folder = folder;
    desk.axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    desk.browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
    return desk;
  }

  /** window opens a page in a window whose storage is its own. */
  async window(url, options = {}, prepares = async () => {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', colorScheme: 'light', reducedMotion: 'reduce', ...options });
    context.setDefaultTimeout(patience);
    return this.tab(context, url, prepares);
  }

  async tab(context, url, prepares = async () => {}) {
    const page = await context.newPage();
    await prepares(page);
    page.on('pageerror', (error) => this.#complaints.push(String(error)));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()) && !this.excused) this.#complaints.push(`${message.text()} (${message.location().url})`);
    });
    page.on('request', (request) => {
      if (![new URL(url).host, ...this.hosts].includes(new URL(request.url()).host)) this.#complaints.push(`something is fetched from ${request.url()}`);
    });
    await page.goto(url);
    return page;
  }

  /** accessible looks for what keeps people out, by all rules or by those of some tags, everywhere or within something. */
  async accessible(page, what, runOnly = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], within = 'html') {
    if (await page.evaluate(() => globalThis.axe === undefined)) await page.evaluate(this.axe);
    const { violations } = await page.evaluate(([o, w]) => globalThis.axe.run(w, { runOnly: o, resultTypes: ['violations'] }), [runOnly, within]);
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join('; ')}`), [], what);
  }

  picture(page, file, options = {}) {
    return page.screenshot({ path: join(this.folder, `${file}.png`), animations: 'disabled', ...options });
  }

  /** step does something, and ends the process when that goes wrong. */
  async step(what, does) {
    const began = Date.now();
    try {
      await does();
      assert.deepEqual(this.#complaints, [], 'the browser complains');
    } catch (error) {
      console.log(`not ok ${what}: ${error.stack ?? error}`);
      for (const [i, page] of this.browser.contexts().flatMap((c) => c.pages()).entries()) await this.picture(page, `failed-${i}`).catch(() => {});
      await this.browser.close();
      process.exit(1);
    }
    this.#steps++;
    console.log(`ok ${what} (${Date.now() - began} ms)`);
  }

  async done() {
    await this.browser.close();
    console.log(`done: ${this.#steps} steps`);
  }
}
