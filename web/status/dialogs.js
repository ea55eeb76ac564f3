// @ts-check
// What is asked before something is done, and the token, which is in this module's memory and nowhere else.

import { by, tell } from './dom.js';

/** Failure is what the server says instead of doing something. */
export class Failure extends Error {
  /** @param {number} status @param {string} text */
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

let token = '';
/** @type {(token: string) => void} */
let changed = () => {};

/** onToken has somebody told when there is a token, or none any more. @param {(token: string) => void} tells */
export const onToken = (tells) => {
  changed = tells;
};
export const unlocked = () => token !== '';
/** @param {string} to */
export function setToken(to) {
  if (to === token) return;
  token = to;
  changed(to);
}

/**
 * call asks the server for something with a token.
 * @param {string} path
 * @param {{ body?: object, token: string }} o
 */
export async function call(path, o) {
  /** @type {Response} */
  let answer;
  try {
    answer = await fetch(path, {
      method: o.body ? 'POST' : 'GET', cache: 'no-store', credentials: 'same-origin', redirect: 'error',
      headers: { Authorization: `Bearer ${o.token}`, ...(o.body ? { 'Content-Type': 'application/json' } : {}) },
      body: o.body ? JSON.stringify(o.body) : null,
    });
  } catch {
    throw new Failure(0, 'this member cannot be reached');
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Failure(answer.status, told.error ?? `the answer is ${answer.status}`);
  return told;
}

const at = {
  dialog: by('ask', HTMLDialogElement), form: by('ask-form', HTMLFormElement), title: by('ask-title', HTMLElement), text: by('ask-text', HTMLElement),
  secret: by('ask-secret', HTMLElement), token: by('token', HTMLInputElement), error: by('ask-error', HTMLElement),
  no: by('ask-no', HTMLButtonElement), yes: by('ask-yes', HTMLButtonElement),
};

/**
 * ask asks for a confirmation, and for the token if there is none. It resolves to what does returned, or to undefined when
 * people think better of it. What the server refuses is said in the dialog.
 * @template T
 * @param {{ title: string, text: string, yes: string, grave?: boolean, does: (token: string) => Promise<T> }} o
 * @returns {Promise<T | undefined>}
 */
export function ask(o) {
  tell(at.title, o.title);
  tell(at.text, o.text);
  tell(at.yes, o.yes);
  at.yes.classList.toggle('grave', o.grave ?? false);
  tell(at.error, '');
  at.token.value = '';
  at.secret.hidden = unlocked();
  return new Promise((resolve) => {
    const over = new AbortController();
    const { signal } = over;
    /** @type {T | undefined} */
    let result;
    const submit = async () => {
      const given = unlocked() ? token : at.token.value.trim();
      if (!given) {
        tell(at.error, 'The admin token is missing.');
        at.token.focus();
        return;
      }
      at.yes.disabled = true;
      tell(at.error, '');
      try {
        result = await o.does(given);
        setToken(given);
        at.dialog.close();
      } catch (error) {
        if (error instanceof Failure && error.status === 401) {
          setToken('');
          at.secret.hidden = false;
        }
        if (!signal.aborted) tell(at.error, sentence(error));
        at.token.select();
      } finally {
        at.yes.disabled = false;
      }
    };
    at.form.addEventListener('submit', (event) => {
      event.preventDefault();
      void submit();
    }, { signal });
    at.no.addEventListener('click', () => at.dialog.close(), { signal });
    at.dialog.addEventListener('close', () => {
      over.abort();
      at.token.value = '';
      resolve(result);
    }, { signal });
    at.dialog.showModal();
    (unlocked() ? at.no : at.token).focus();
  });
}

/** sentence is an error as people read it. @param {unknown} error */
export function sentence(error) {
  const text = error instanceof Error ? error.message : String(error);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}
