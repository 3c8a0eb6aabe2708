/* The phone page: one client of `chatkit.v1`, in the language of its reader.

     words   every sentence, in English and in Thai
     shelf   what a reload must not lose
     chat    what is remembered of a room: the protocol, without a socket and without a document
     line    the WebSocket that comes back
     rows    one line of the talk; log: all of them, on a screen that scrolls
     view    the document
     app     this file: puts them together, and listens to the reader */

import { Memory } from "./chat.js";
import { Line } from "./line.js";
import { keep, recall } from "./shelf.js";
import { roomWords, View } from "./view.js";
import { $, both, deviceLanguage, NOTHING, speak, write, writeAll } from "./words.js";

const ADDRESS = location.href.replace(/^http/, "ws").replace(/[?#].*/s, ""); // the path is the room, behind any proxy
const OVERLAP = 50; // messages that a reloaded page reads again, so that it is not empty

const kept = { lang: deviceLanguage(), joined: false, draft: "", refused: [], ...recall() };
const memory = new Memory({ ...kept.memory });
if (memory.last !== undefined) memory.last = Math.max(0, memory.last - OVERLAP);

const save = () => keep({ ...kept, memory: memory.remembered() });
const line = new Line(ADDRESS, memory, {
  onEvent: (event) => view.happened(event),
  onState: (state) => view.entered(state),
});
const view = new View(line, kept, save);

/** A too long text is told so while it is typed, and refused when sent; it stays in its field. */
function weigh() {
  const limit = memory.limits.text;
  const count = [...$("text").value].length;
  write($("note"), count > limit * 0.9 ? both("page_count", { count, limit }) : NOTHING);
  $("text").ariaInvalid = String(count > limit);
  kept.draft = $("text").value;
  save();
}

function sendDraft(event) {
  event.preventDefault();
  const text = $("text").value;
  if (!text.trim()) return;
  const objection = memory.objection(text);
  if (objection) return write($("note"), both(`page_${objection.code}`, objection));
  $("text").value = "";
  weigh();
  view.log.isAtNewest = true;
  line.send(text);
  view.outboxChanged();
  $("text").focus(); // keeps the phone's keyboard open
}

function join(event) {
  event.preventDefault();
  const name = $("name").value.normalize("NFC").trim();
  const count = [...name].length;
  const limit = memory.limits.name;
  if (!name) return write($("note"), both("page_name_blank"));
  if (count > limit) return write($("note"), both("page_name_long", { count, limit }));
  memory.askedName = name;
  memory.token = $("token").value.trim() || memory.token;
  view.talk();
  line.connect();
}

/** `#token=…` never leaves the browser; it goes from the address bar before anybody photographs it. */
function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  memory.token = token;
  $("token").value = "";
  save();
  history.replaceState(null, "", location.pathname + location.search);
}

function changeLanguage() {
  kept.lang = kept.lang === "en" ? "th" : "en";
  speak(kept.lang);
  save();
}

/** The height that is left above the on-screen keyboard; iOS covers the page without resizing it. */
function fitScreen() {
  if (visualViewport.scale > 1.01) return; // pinched: the reader wants to see large
  document.documentElement.style.setProperty("--height", `${visualViewport.height}px`);
}

speak(kept.lang);
writeAll();
takeToken();
const [, room] = location.pathname.match(/\/room\/([^/]+)\/?$/) ?? [];
if (room) write($("room"), roomWords(decodeURIComponent(room)));
$("name").value = memory.askedName ?? "";
$("text").value = kept.draft;

$("join").onsubmit = join;
$("talk").onsubmit = sendDraft;
$("text").oninput = weigh;
$("text").onkeydown = (event) => {
  // An input method uses Enter to choose a word; Shift+Enter makes a new line.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) sendDraft(event);
};
$("switch").onclick = changeLanguage;
$("newest").onclick = () => view.log.toNewest();
$("scroller").onscroll = () => view.log.scrolled();
$("people").ontoggle = () => view.drawPeople();
$("people").onkeydown = (event) => {
  if (event.key === "Escape") $("people").open = false;
};
document.onclick = (event) => {
  if (!$("people").contains(event.target)) $("people").open = false;
};
document.onvisibilitychange = () => {
  if (document.visibilityState !== "visible") return;
  view.lookedAt();
  line.lookedAt();
};
window.addEventListener("pagehide", save); // what changed since the last frame was drawn, too
window.addEventListener("offline", () => line.offline());
window.addEventListener("online", () => line.online());
window.addEventListener("hashchange", takeToken);
visualViewport?.addEventListener("resize", fitScreen);
new ResizeObserver(() => view.log.isAtNewest && view.log.toNewest()).observe($("scroller"));

if (kept.joined) {
  view.talk();
  line.connect();
} else {
  $("name").focus();
}
