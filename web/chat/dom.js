// @ts-check
// What the page is built of. Text gets into the page as text alone.

/**
 * by returns the element with an id, which is there.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function by(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

/**
 * element makes an element with attributes and children; a string becomes text.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * tell sets an element's text, unless it is that already: what is said again would be read aloud again.
 * @param {HTMLElement} at
 * @param {string} text
 */
export function tell(at, text) {
  if (at.textContent !== text) at.textContent = text;
}

/**
 * arrange makes elements the only children, in this order, and moves none that is where it belongs: one that is
 * moved loses the focus.
 * @param {HTMLElement} parent
 * @param {HTMLElement[]} children
 */
export function arrange(parent, children) {
  const wanted = new Set(children);
  for (const one of [...parent.children]) if (!wanted.has(/** @type {HTMLElement} */ (one))) one.remove();
  children.forEach((one, i) => {
    if (parent.children[i] !== one) parent.insertBefore(one, parent.children[i] ?? null);
  });
}

/**
 * avatar is the first letter of a name, in a colour of its own.
 * @param {string} name
 * @param {boolean} room
 */
export function avatar(name, room) {
  let sum = 0;
  for (const c of name.toLowerCase()) sum = (sum * 31 + (c.codePointAt(0) ?? 0)) % 997;
  const letter = room ? '#' : ([...name][0] ?? '?').toUpperCase();
  return element('span', { class: 'avatar', 'data-tone': room ? 'room' : String(sum % 6), 'aria-hidden': 'true' }, letter);
}

const svg = 'http://www.w3.org/2000/svg';

/** Drawings of how far a message has come, as paths in a box of 20 by 12. */
const drawings = {
  pending: ['M10 1.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9M10 3.5v2.7l1.7 1'],
  accepted: ['M5 6.5l3 3 6-7'],
  dispatched: ['M2 6.5l3 3 6-7', 'M9 9.5l0 0 6-7'],
  received: ['M2 6.5l3 3 6-7', 'M8 8.5l1 1 6-7'],
  consumed: ['M2 6.5l3 3 6-7', 'M8 8.5l1 1 6-7'],
  failed: ['M10 2v5M10 9.5v.2'],
};

/**
 * tick draws how far a message has come.
 * @param {keyof typeof drawings} state
 */
export function tick(state) {
  const drawn = document.createElementNS(svg, 'svg');
  drawn.setAttribute('viewBox', '0 0 18 12');
  drawn.setAttribute('class', `tick ${state}`);
  drawn.setAttribute('aria-hidden', 'true');
  for (const d of drawings[state]) {
    const path = document.createElementNS(svg, 'path');
    path.setAttribute('d', d);
    drawn.append(path);
  }
  return drawn;
}

/** Drawings of what a button or a card is about, as paths in a box of 20 by 20. */
const icons = {
  file: 'M5 2.5h6.5l4 4v11h-10.5zM11.5 2.5v4h4',
  elsewhere: 'M8 4H4v12h12v-4M11 3h6v6M17 3l-8 8',
};

/**
 * icon draws what something is about.
 * @param {keyof typeof icons} what
 */
export function icon(what) {
  const drawn = document.createElementNS(svg, 'svg');
  drawn.setAttribute('viewBox', '0 0 20 20');
  drawn.setAttribute('class', 'icon');
  drawn.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(svg, 'path');
  path.setAttribute('d', icons[what]);
  drawn.append(path);
  return drawn;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const precise = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 });
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });

/** @param {number} at */
export const timeOf = (at) => clock.format(at);
/** @param {number} at */
export const preciseTimeOf = (at) => precise.format(at);
/** @param {number} at */
export const dayOf = (at) => day.format(at);
