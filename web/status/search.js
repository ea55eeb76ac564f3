// @ts-check
// Where an identity is, and what waits for it.

import { ask, call, Failure, sentence, setToken, unlocked } from './dialogs.js';
import { by, element, tell } from './dom.js';
import { plural } from './format.js';

/**
 * @typedef {object} Instance
 * @property {string} instance
 * @property {string} session
 * @property {string} edge
 * @property {boolean} [guest]
 * @property {string} [status]
 * @property {string} [message]
 * @property {string} [routing_rule]
 * @property {number} [priority]
 *
 * @typedef {object} Found
 * @property {string} identity
 * @property {string} status
 * @property {string} [message]
 * @property {boolean} [partial]
 * @property {Instance[]} instances
 * @property {{ inbox: number, log: number, error?: string }} waiting
 */

const at = { form: by('search', HTMLFormElement), who: by('who', HTMLInputElement), error: by('search-error', HTMLElement), found: by('found', HTMLElement) };

/**
 * searching has people search.
 * @param {() => string} token
 * @param {() => boolean} possible
 * @param {(incarnation: string) => string} nameOf
 */
export function searching(token, possible, nameOf) {
  at.form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const text = at.who.value.trim();
    tell(at.error, '');
    at.found.replaceChildren();
    if (!text) return tell(at.error, 'Search for an identity, as name@domain.');
    if (!possible()) return tell(at.error, 'This member has no admin token: start it with -admin-token to search here.');
    /** @param {string} t @returns {Promise<Found>} */
    const search = (t) => call(`status/identity?q=${encodeURIComponent(text)}`, { token: t });
    try {
      const found = unlocked() ? await search(token()) : await ask({ title: 'Unlock the search', text: 'Where people are is for who has the admin token.', yes: 'Search', does: search });
      if (found) show(found, nameOf);
    } catch (error) {
      if (error instanceof Failure && error.status === 401) setToken('');
      tell(at.error, sentence(error));
    }
  });
}

/** @param {Found} found @param {(incarnation: string) => string} nameOf */
function show(found, nameOf) {
  const { inbox, log, error } = found.waiting;
  const some = inbox + log > 0;
  const waits = error ? `What waits cannot be counted: ${error}` : some ? `${plural(inbox + log, 'message')} waiting` : 'No message waits';
  at.found.replaceChildren(
    element('div', { class: 'line' }, element('h3', {}, found.identity), element('span', { class: 'pill', 'data-health': found.status }, found.status), element('span', { class: 'fine' }, found.message ?? '')),
    element('p', { class: 'line' },
      element('span', { class: 'waits', 'data-some': String(some) }, waits),
      element('span', { class: 'fine' }, some ? `${inbox} in the inbox, ${log} in the log of the last seconds` : '')),
  );
  if (found.instances.length === 0) {
    at.found.append(element('p', { class: 'fine' }, 'It has no session.'));
    return;
  }
  const rows = found.instances.map((i) => element('tr', {},
    element('th', { scope: 'row' }, element('b', {}, i.instance)),
    element('td', { 'data-name': 'Edge' }, nameOf(i.edge)),
    element('td', { 'data-name': 'Presence' }, [i.status || 'never said', i.message].filter(Boolean).join(', ')),
    element('td', { 'data-name': 'Routing rule' }, i.routing_rule || '–'),
    element('td', { 'data-name': 'Priority', class: 'number' }, String(i.priority ?? 0)),
    element('td', { 'data-name': 'As' }, i.guest ? 'guest' : 'account'),
  ));
  const names = ['Instance', 'Edge', 'Presence', 'Routing rule', 'Priority', 'As'];
  at.found.append(element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Instances' }, element('table', {},
    element('thead', {}, element('tr', {}, ...names.map((n) => element('th', { scope: 'col', class: n === 'Priority' ? 'number' : '' }, n)))),
    element('tbody', {}, ...rows))));
  if (found.partial) at.found.append(element('p', { class: 'fine' }, 'Sessions of edges that have lost their lease are left out.'));
}
