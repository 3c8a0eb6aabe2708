/* One line of the talk, as the document has it. A message only ever becomes text. */

import { both, called, write } from "./words.js";

/** `<tag class=… >text</tag>` */
export function make(tag, className, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

/** The same with a sentence, which follows the switch of languages. */
export function spoken(tag, className, sentence) {
  const node = make(tag, className);
  write(node, sentence);
  return node;
}

function clock(ts) {
  const time = new Date(ts * 1000);
  const node = make("time", "", time.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" }));
  node.dateTime = time.toISOString();
  return node;
}

/** A name, and the id that tells apart two people who look the same; it is shown short, and whole as its title. */
export function nameOf({ id, name }) {
  const tag = make("span", "tag", id.slice(0, 5));
  tag.title = id;
  return [spoken("bdi", "", called(name)), " ", tag];
}

function textOf(text) {
  const node = make("bdi", "text", text);
  node.dir = "auto";
  return node;
}

/** A message as its readers see it: who, what, when. */
export function messageRow({ type, who, ts, text }, isMine) {
  const isNotice = type === "notice";
  const row = make("div", `line message ${isNotice ? "notice" : isMine ? "mine" : "theirs"}`);
  const head = make("p", "from");
  head.append(...(isNotice ? ["🟢 ", spoken("span", "", both("page_server"))] : nameOf(who)));
  const foot = make("p", "meta");
  foot.append(clock(ts));
  if (isMine) foot.append(" ✓ ", spoken("span", "", both("page_sent")));
  row.append(head, textOf(text), foot);
  return row;
}

/** Who came, went or has another name: beside the talk. */
export const presenceRow = (sentence) => spoken("div", "line presence", sentence);

/** Where something is missing between the lines. */
export const markerRow = (sentence) => spoken("div", "line marker", sentence);

/** A message that is on its way. */
export function pendingRow({ text }) {
  const row = make("div", "line mine pending");
  const foot = make("p", "meta");
  foot.append("⏳ ", spoken("span", "", both("page_pending")));
  row.append(textOf(text), foot);
  return row;
}

/** A message that the server will never take: it says why, and its author may have the text back. */
export function refusedRow({ text, message }, takeBack) {
  const row = make("div", "line mine refused");
  const foot = make("p", "meta");
  foot.append("⚠️ ", spoken("span", "", message));
  const button = spoken("button", "quiet", both("page_take_back"));
  button.onclick = takeBack;
  row.append(textOf(text), foot, button);
  return row;
}
