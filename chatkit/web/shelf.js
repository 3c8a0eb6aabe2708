/* What a reload, or the way back to this page, must not lose. sessionStorage ends with the tab; each room has its own. */

const SHELF = `chatkit ${location.pathname}`;

export function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(SHELF)) ?? {};
  } catch {
    return {}; // a private window may refuse: then a reload starts anew
  }
}

export function keep(things) {
  try {
    sessionStorage.setItem(SHELF, JSON.stringify(things));
  } catch {} // the page itself goes on all the same
}
