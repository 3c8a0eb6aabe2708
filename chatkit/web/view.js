/* The document: what happened in the room, and how the line is. It knows no socket and sends nothing. */

import { Log } from "./log.js";
import { make, markerRow, messageRow, nameOf, pendingRow, presenceRow, refusedRow, spoken } from "./rows.js";
import { $, both, called, isolated, NOTHING, write } from "./words.js";

const QUIET_ABOVE = 40; // people: in a class of 300, comings and goings would drown the talk
const MOST_NAMES = 200; // in the list of people
const MOST_WAITING = 500; // rows for the next frame; a hidden page draws none

const FAREWELLS = {
  replaced: () => both("page_replaced"),
  removed: () => both("page_removed"),
  flood: () => both("page_flood"),
  token: (memory) => both(memory.token ? "page_token_wrong" : "page_token_needed"),
};

export const roomWords = (room) => (room === "lobby" ? both("page_lobby") : { en: room, th: room });

export class View {
  log = new Log();
  arrived = []; // rows for the next frame: one layout for many messages
  isDrawing = false;
  isOutboxOld = true;
  unread = 0; // messages that came while the page was hidden
  spokeOfTrouble = false;

  /** kept: what lives longer than this page; save: puts it away. */
  constructor(line, kept, save) {
    Object.assign(this, { line, memory: line.memory, kept, save });
  }

  happened(event) {
    const { memory, kept } = this;
    switch (event.type) {
      case "msg":
      case "notice":
        return this.message(event);
      case "joined":
        return this.presence("page_joined", event);
      case "left":
        return this.presence("page_left", event);
      case "renamed":
        return this.presence("page_renamed", event);
      case "reset":
        return this.startOver();
      case "welcomed":
        kept.joined = true;
        return this.introduce();
      case "refused":
        kept.refused.push({ message: both("page_too_big", { limit: memory.limits.message_bytes }), ...event });
        return this.outboxChanged();
      case "acked":
        return this.outboxChanged();
      case "over":
        return this.closed(event.reason, event.message);
    }
  }

  message(event) {
    this.add(messageRow(event, event.who.id === this.memory.you));
    if (document.hidden) this.unread += 1;
    this.writeTitle();
  }

  presence(key, { who, old = who.id }) {
    if (who.id === this.memory.you) this.introduce();
    else if (this.memory.count > QUIET_ABOVE) this.changed();
    else this.add(presenceRow(both(key, { name: isolated(who.name), old: isolated(old) })));
  }

  /** Another log, or one that was trimmed: nothing here goes on from what was shown. */
  startOver() {
    this.log.clear();
    this.arrived = [markerRow(both("page_older_gone"))];
    this.changed();
  }

  /** Where the room is, and who we are in it, if that is not who we wanted to be. */
  introduce() {
    const { name, askedName, room } = this.memory;
    write($("room"), roomWords(room));
    write($("as"), name === askedName ? NOTHING : both("page_as", { name: isolated(name) }));
    this.writeTitle();
    this.changed();
  }

  /** `(3) Lobby · Mali`: which tab this is, and what is new in it. */
  writeTitle() {
    const { name, room } = this.memory;
    const unread = this.unread ? `(${this.unread}) ` : "";
    const title = (lang) => `${unread}${roomWords(room)[lang]} · ${called(name)[lang]}`;
    write($("title"), { en: title("en"), th: title("th") });
  }

  lookedAt() {
    this.unread = 0;
    if (this.memory.you) this.writeTitle();
  }

  add(row) {
    this.arrived.push(row);
    if (this.arrived.length > MOST_WAITING) this.draw();
    else this.changed();
  }

  outboxChanged() {
    this.isOutboxOld = true;
    this.changed();
  }

  changed() {
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.isDrawing = false;
    if (this.memory.isBehind) $("log").ariaBusy = "true"; // a screen reader skips the replay
    this.log.append(this.arrived.splice(0));
    // In the next frame: what was appended in the same one would be read out after all.
    if (!this.memory.isBehind) requestAnimationFrame(() => ($("log").ariaBusy = "false"));
    if (this.isOutboxOld) this.drawOutbox();
    this.drawPeople();
    this.save(); // how far this page has read
  }

  /** Only when it changed: a button that somebody is about to press must not be made anew under the finger. */
  drawOutbox() {
    this.isOutboxOld = false;
    const refused = this.kept.refused.map((message) => refusedRow(message, () => this.takeBack(message)));
    $("outbox").replaceChildren(...refused, ...this.memory.outbox.map(pendingRow));
    if (this.log.isAtNewest) this.log.toNewest();
  }

  takeBack(message) {
    this.kept.refused = this.kept.refused.filter((each) => each !== message);
    $("text").value = $("text").value ? `${$("text").value}\n${message.text}` : message.text;
    $("text").dispatchEvent(new Event("input"));
    $("text").focus();
    this.outboxChanged();
  }

  drawPeople() {
    const { members, count, you } = this.memory;
    write($("count"), both("page_people", { count }));
    if (!$("people").open) return;
    const others = [...members.values()].filter(({ id }) => id !== you);
    const shown = [members.get(you), ...others].filter(Boolean).slice(0, MOST_NAMES);
    const items = shown.map((who) => {
      const item = make("li", "");
      item.append(...nameOf(who));
      if (who.id === you) item.append(" ", spoken("em", "", both("page_you")));
      return item;
    });
    if (count > shown.length) items.push(spoken("li", "", both("page_more_people", { count: count - shown.length })));
    $("members").replaceChildren(...items);
  }

  entered(state) {
    $("state").dataset.state = state;
    this.tick();
    this.changed();
    // Say it aloud once, not at each of twenty tries.
    const isTrouble = state === "reconnecting" || state === "closed";
    if (state === "open" || (isTrouble && !this.spokeOfTrouble)) write($("spoken"), $("words").sentences[""]);
    if (state !== "connecting") this.spokeOfTrouble = isTrouble;
  }

  /** The state in words, with the seconds until the next try running down. */
  tick() {
    clearTimeout(this.ticking);
    const { state, retryAt } = this.line;
    const seconds = (Math.max(0, retryAt - Date.now()) / 1000).toFixed(1);
    const isOffline = state === "reconnecting" && !navigator.onLine;
    write($("words"), both(isOffline ? "page_offline" : `page_${state}`, { seconds }));
    if (state === "reconnecting") this.ticking = setTimeout(() => this.tick(), 100);
  }

  talk() {
    document.body.dataset.view = "talk";
    write($("note"), NOTHING);
    $("text").focus();
  }

  /** The form to join stands below what was read so far; drafts and unsent messages stay. */
  closed(reason, message) {
    this.kept.joined = false;
    this.save();
    const isEmpty = !$("log").childElementCount && !this.memory.outbox.length;
    document.body.dataset.view = isEmpty ? "join" : "closed";
    $("asks").hidden = reason !== "token";
    write($("note"), FAREWELLS[reason]?.(this.memory) ?? message ?? both("page_closed"));
    $(reason === "token" ? "token" : "name").focus();
  }
}
