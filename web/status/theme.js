// @ts-check
// Light or dark: as the system says, unless somebody chooses.

import { by, element } from './dom.js';

const key = 'limegrove.status.theme';

/** themed lets people choose, and calls changed when the colours are others. @param {() => void} changed */
export function themed(changed) {
  const choice = by('theme', HTMLSelectElement);
  /** @param {string} theme */
  const put = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  try {
    choice.value = localStorage.getItem(key) ?? '';
  } catch { /* there may be no storage */ }
  if (choice.selectedIndex < 0) choice.value = '';
  put(choice.value);
  choice.addEventListener('change', () => {
    put(choice.value);
    try {
      localStorage.setItem(key, choice.value);
    } catch { /* then it is for this window */ }
    changed();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
}

/** @type {Map<string, HTMLElement>} */
const probes = new Map();

/** colour is what a property of the style sheet comes to, for a canvas. @param {string} property */
export function colour(property) {
  let probe = probes.get(property);
  if (!probe) {
    probe = element('span');
    probe.style.color = `var(${property})`;
    by('probes', HTMLElement).append(probe);
    probes.set(property, probe);
  }
  return getComputedStyle(probe).color;
}
