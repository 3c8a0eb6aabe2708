/* The talk on the screen: it stays at the newest line, or where its reader has scrolled to. */

import { $ } from "./words.js";

const MOST_MESSAGES = 500;
const MOST_BESIDE = 3; // comings and goings between two messages: they must not push the talk off the screen
const AT_THE_END = 40; // pixels from the newest line that still count as reading it

const isMessage = (row) => row?.classList.contains("message") ?? false;
const isPresence = (row) => row?.classList.contains("presence") ?? false;

export class Log {
  isAtNewest = true;
  top = 0;

  /** Add rows; what is too much goes, from the oldest on. */
  append(rows) {
    for (const row of rows) {
      $("log").append(row);
      this.thinOut(row);
    }
    const surplus = $("log").querySelectorAll(".message").length - MOST_MESSAGES;
    for (let messages = 0; messages < surplus; ) {
      const oldest = $("log").firstElementChild;
      if (isMessage(oldest)) messages += 1;
      oldest.remove();
    }
    if (this.isAtNewest) this.toNewest();
    else if (rows.some(isMessage)) $("newest").hidden = false;
  }

  /** Of what happened beside the talk, only the newest lines since the last message stay. */
  thinOut(row) {
    let [oldest, beside] = [row, 0];
    for (; isPresence(oldest); oldest = oldest.previousElementSibling) {
      beside += 1;
      if (beside > MOST_BESIDE) return oldest.remove();
    }
  }

  clear() {
    $("log").replaceChildren();
  }

  toNewest() {
    this.isAtNewest = true;
    $("newest").hidden = true;
    $("scroller").scrollTop = $("scroller").scrollHeight;
  }

  scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = $("scroller");
    const isUp = scrollTop < this.top; // not so when the log grew, or the keyboard came
    this.top = scrollTop;
    this.isAtNewest = scrollHeight - scrollTop - clientHeight < AT_THE_END || (this.isAtNewest && !isUp);
    if (this.isAtNewest) $("newest").hidden = true;
  }
}
