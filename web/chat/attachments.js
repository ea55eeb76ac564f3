// @ts-check
// What is seen of files: the cards in messages, and the tray of those that are being sent.

import { arrange, by, element, icon, tell } from './dom.js';
import { hostOf, isOurs, kept, kindOf, look, nameOfFile, pictureAt, sizeOf } from './files.js';
import { Upload, Uploads } from './upload.js';

/** @typedef {import('./files.js').Link} Link */
/** @typedef {import('./lime.js').Envelope} Envelope */

/** How many may be sent at once, or wait for that. */
const mostUploads = 20;

/** What is to be looked at once it is seen. @type {WeakMap<Element, () => void>} */
const unseen = new WeakMap();
const watching = new IntersectionObserver((all) => {
  for (const { target, isIntersecting } of all) {
    if (!isIntersecting) continue;
    watching.unobserve(target);
    unseen.get(target)?.();
  }
}, { rootMargin: '200px' });

/**
 * cardOf is a link to a file. Where it leads to this cluster's files, the server of these is asked once it is seen: what the
 * sender says of it is not what counts. One that leads elsewhere says so, and nothing of it is fetched.
 * @param {Link} link
 */
export function cardOf(link) {
  const ours = isOurs(link.uri);
  const name = element('span', { class: 'file-name', dir: 'auto' });
  const about = element('span', { class: 'file-about' });
  const does = element('span', { class: 'visually-hidden' }, ours ? 'Download ' : 'Open on another site: ');
  const leads = element('a', { class: 'file', href: link.uri, target: '_blank', rel: 'noopener noreferrer', referrerpolicy: 'no-referrer' },
    icon(ours ? 'file' : 'elsewhere'), element('span', { class: 'two' }, element('span', { class: 'file-line' }, does, name), about));
  const made = element('div', { class: 'card-of-file' }, leads);

  /** @param {{name: string, type: string, size: number}} it */
  const draw = (it) => {
    tell(name, it.name);
    const what = [kindOf(it.name) || it.type, it.size ? sizeOf(it.size) : ''].filter(Boolean); // what opens it is told by its name
    tell(about, (ours ? what : [`on ${hostOf(link.uri)}`, ...what]).join(' · '));
  };
  draw(link);
  if (!ours) return made;

  const learn = async () => {
    const found = await look(link.uri);
    if (found === undefined) return;
    if (found === null) {
      made.classList.add('gone');
      leads.removeAttribute('href');
      tell(does, '');
      tell(about, 'No longer there');
      return;
    }
    draw({ ...found, name: found.name || link.name });
    const size = await pictureAt(link.uri);
    if (!size) return;
    const shown = element('img', {
      class: 'preview', src: link.uri, alt: '', width: String(size.width), height: String(size.height), crossorigin: 'anonymous', referrerpolicy: 'no-referrer', decoding: 'async',
    });
    shown.addEventListener('error', () => shown.remove());
    const list = made.closest('.lines');
    const follows = list && list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    leads.prepend(shown);
    if (list && follows) list.scrollTop = list.scrollHeight;
  };
  unseen.set(made, () => void learn().finally(() => (made.dataset.asked = 'true')));
  watching.observe(made);
  return made;
}

/**
 * What a tray needs of the page.
 * @typedef {object} Owner
 * @property {(request: Envelope) => Promise<Envelope>} ask
 * @property {() => {key: string, title: string} | null} to the conversation that files are for; null for none
 * @property {(key: string, link: Link) => void} sent is told of a file that is there
 */

const states = { queued: 'Waits for the others', sending: '', lost: 'No connection: it goes on by itself', done: 'Sent', failed: 'Not sent', cancelled: 'Cancelled' };

/** Tray is where files are put in, and where one sees them go. */
export class Tray {
  /** @param {Owner} owner */
  constructor(owner) {
    this.owner = owner;
    this.uploads = new Uploads();
    /** The entries of uploads, and to which conversations they are. @type {Map<Upload, {key: string, item: HTMLLIElement, draw: () => void}>} */
    this.entries = new Map();
    this.allowed = false;
    this.depth = 0;
    this.at = {
      tray: by('tray', HTMLElement), list: by('uploads', HTMLUListElement), button: by('attach', HTMLButtonElement), input: by('file', HTMLInputElement),
      error: by('file-error', HTMLElement), news: by('file-news', HTMLElement), drop: by('drop', HTMLElement), talk: by('talk', HTMLElement), text: by('text', HTMLTextAreaElement),
    };
    this.at.button.addEventListener('click', () => this.at.input.click());
    this.at.input.addEventListener('change', () => {
      this.add(this.at.input.files);
      this.at.input.value = ''; // the same again is another one
    });
    this.at.text.addEventListener('paste', (e) => {
      const data = e.clipboardData;
      if (!this.open || !data?.files.length || data.types.includes('text/plain')) return; // text with a picture of it is text
      e.preventDefault();
      this.add(data.files);
    });
    this.#takeDrops();
    window.addEventListener('beforeunload', (e) => {
      if (this.uploads.busy) e.preventDefault();
    });
    window.addEventListener('pagehide', (e) => {
      if (!e.persisted) this.uploads.cancelAll();
    });
    window.addEventListener('online', () => this.uploads.wake());
  }

  /** open tells whether files may be put in now. */
  get open() {
    return kept !== null && this.allowed && this.owner.to() !== null;
  }

  /** allow says whether this session may send files. @param {boolean} allowed */
  allow(allowed) {
    this.allowed = allowed;
    this.render();
  }

  /** wake has uploads try now that wait for the server. */
  wake() {
    this.uploads.wake();
  }

  /** giveUp ends all: whoever sent them has left. */
  giveUp() {
    this.uploads.cancelAll();
    this.allowed = false;
    this.render();
  }

  #takeDrops() {
    const { talk, drop } = this.at;
    const has = (/** @type {DragEvent} */ e) => e.dataTransfer?.types.includes('Files') ?? false;
    for (const event of ['dragover', 'drop']) { // beside the place for it, a browser would leave the page for the file
      window.addEventListener(event, (e) => {
        if (!(e instanceof DragEvent) || !has(e) || e.defaultPrevented) return;
        e.preventDefault();
        if (e.dataTransfer) e.dataTransfer.dropEffect = 'none';
      });
    }
    talk.addEventListener('dragover', (e) => {
      if (!has(e) || !this.open) return;
      e.preventDefault();
      if (e.dataTransfer) e.dataTransfer.dropEffect = 'copy';
      tell(drop, `Drop files here to send them to ${this.owner.to()?.title}`);
      drop.hidden = false;
    });
    talk.addEventListener('dragleave', (e) => {
      if (!(e.relatedTarget instanceof Node) || !talk.contains(e.relatedTarget)) drop.hidden = true;
    });
    talk.addEventListener('drop', (e) => {
      drop.hidden = true;
      if (!has(e) || !this.open) return;
      e.preventDefault();
      const folders = [...(e.dataTransfer?.items ?? [])].filter((one) => one.webkitGetAsEntry()?.isDirectory).length;
      this.add(e.dataTransfer?.files ?? null, folders);
    });
  }

  /**
   * add begins to send files, and says of which it does not, and why.
   * @param {FileList | null} files
   * @param {number} [folders] among them
   */
  add(files, folders = 0) {
    const to = this.owner.to();
    if (!files || !to || !kept || !this.open) return;
    /** @type {string[]} */
    const refused = [];
    if (folders) refused.push('Folders cannot be sent, only files.');
    for (const file of folders ? [] : files) {
      const name = nameOfFile(file.name);
      if (file.size > kept.most) refused.push(`${name} has ${sizeOf(file.size)}. A file may have ${sizeOf(kept.most)} at most.`);
      else if (!file.size) refused.push(`${name} is empty.`);
      else if (this.uploads.all.filter((one) => !one.over).length >= mostUploads) refused.push(`${name} was not taken: ${mostUploads} files are the most at once.`);
      else this.#begin(file, to.key, to.title);
    }
    tell(this.at.error, refused.slice(0, 3).join(' ') + (refused.length > 3 ? ` And ${refused.length - 3} more.` : ''));
    this.at.tray.hidden = false;
    this.at.text.focus();
    this.render();
  }

  /** @param {File} file @param {string} key @param {string} title */
  #begin(file, key, title) {
    const upload = new Upload(file, this.owner.ask, () => this.#changed(upload));
    const bar = element('progress', { max: String(file.size), value: '0', 'aria-label': `Sending ${upload.name}` });
    const state = element('span', { class: 'file-about' });
    const cancel = element('button', { type: 'button', class: 'quiet' }, 'Cancel', element('span', { class: 'visually-hidden' }, ` ${upload.name}`));
    const item = element('li', { class: 'upload' }, icon('file'),
      element('span', { class: 'two' }, element('span', { class: 'file-name', dir: 'auto' }, upload.name), bar, state), cancel);
    cancel.addEventListener('click', () => {
      if (upload.over) this.#remove(upload);
      else upload.cancel();
      this.at.text.focus(); // the button goes
    });
    this.entries.set(upload, {
      key, item,
      draw: () => {
        item.dataset.state = upload.standing;
        bar.value = upload.sent;
        bar.hidden = upload.standing === 'failed';
        const of = `${Math.floor((100 * upload.sent) / file.size)} % of ${sizeOf(file.size)} to ${title}`;
        tell(state, upload.standing === 'sending' ? of : upload.standing === 'failed' ? `${states.failed}: ${upload.why}` : `${states[upload.standing]} · ${of}`);
        const button = cancel.firstChild;
        if (button) button.nodeValue = upload.over ? 'Close' : 'Cancel';
      },
    });
    this.uploads.add(upload);
  }

  /** @param {Upload} upload */
  #changed(upload) {
    const entry = this.entries.get(upload);
    if (!entry) return;
    if (entry.item.dataset.state !== upload.standing) { // how far it has come is not read aloud, but how it stands
      const says = { queued: '', sending: `Sending ${upload.name}`, lost: `${upload.name}: no connection, it goes on by itself`, done: `${upload.name} was sent`, failed: `${upload.name} was not sent: ${upload.why}`, cancelled: `${upload.name} was cancelled` };
      tell(this.at.news, says[upload.standing]);
    }
    entry.draw();
    if (upload.standing === 'done' && upload.link) this.owner.sent(entry.key, upload.link);
    if (upload.standing === 'done' || upload.standing === 'cancelled') this.#remove(upload);
  }

  /** @param {Upload} upload */
  #remove(upload) {
    this.uploads.remove(upload);
    this.entries.delete(upload);
    this.render();
  }

  render() {
    this.at.button.hidden = !this.open;
    for (const { draw } of this.entries.values()) draw();
    arrange(this.at.list, [...this.entries.values()].map(({ item }) => item));
    if (!this.entries.size && !this.at.error.textContent) this.at.tray.hidden = true;
  }

  /** clear takes away what was told of files that were refused. */
  clear() {
    tell(this.at.error, '');
    this.render();
  }
}
