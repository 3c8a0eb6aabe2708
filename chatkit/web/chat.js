/* What one reader remembers of a room. Nothing here waits, and nothing here knows a socket or a page: it is the mirror
   of chatkit/memory.py, and both pass tests/conformance.

   A message of the server goes in, a list of what happened comes out. With the epoch of the log, the last number shown
   and an outbox the connection may be lost at any moment: hello says where to go on, and what nobody has answered goes
   out again under the same id.

   What can happen:
     {type: "msg" | "notice", seq, id, who, ts, text}      to be shown, in this order, each number once
     {type: "joined" | "left" | "renamed", who, old?}      who is here
     {type: "reset"}                                       all that was shown before is void
     {type: "welcomed"}                                    we are in
     {type: "acked", id, seq}                              our message has its number
     {type: "refused", id, text, code, message?}           our message will never have one
     {type: "pause", ms}                                   so long nothing goes out; then call `waited`
     {type: "again"}                                       drop this connection and make another one
     {type: "over", reason, message?}                      drop this connection for good */

/** What we take, whatever a server says. In code points and bytes; a name is shown with its suffix (`Mali·2`). */
const LIMITS = { text: 4000, message_bytes: 16_384, name: 32, shown_name: 64 };

/** Close codes after which the next try would end the same way (RFC 6455, 7.4), and the word of the nack before them. */
const FINAL = { 1008: "flood", 4001: "replaced", 4003: "removed", 4401: "token", 4403: "key" };

/** 128 random bits. Not crypto.randomUUID: browsers have none on http://192.168…, where classes are. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Memory {
  head = 0; // the newest number in the room when we came in
  you = "";
  name = "";
  room = "lobby";
  members = new Map(); // {id: who}
  count = 0; // people here; in a big room more than there are names
  limits = LIMITS;

  isOpen = false; // the welcome has come
  isPausing = false; // the server asked for patience
  inFlight = undefined; // id of the one message that waits for its answer

  /** name, token: what hello will say. me, epoch, last, outbox: what an earlier life of this page remembered. */
  constructor({ name, token, me, epoch, last, outbox = [] }) {
    this.askedName = name;
    this.token = token;
    this.me = me; // the secret that says we are the same person again
    this.epoch = epoch; // the log that `last` belongs to
    this.last = last; // the last number shown; undefined before the first
    this.outbox = outbox; // {id, text} in order, until each has its answer
  }

  /** What a later life of this page needs to go on: the constructor takes it. */
  remembered() {
    const { askedName: name, token, me, epoch, last, outbox } = this;
    return { name, token, me, epoch, last, outbox };
  }

  // What we say

  /** The first message of a connection: who we are, and after which number to go on. JSON leaves undefined out. */
  hello() {
    const { askedName: name, token, me, epoch, last: after } = this;
    return { type: "hello", name, token, me, epoch, after };
  }

  /** Why a text may not enter the outbox (the server would refuse it for ever), or null. */
  objection(text) {
    const count = [...text].length; // code points; .length counts an emoji twice
    if (count > this.limits.text) return { code: "too_long", count, limit: this.limits.text };
    const bytes = new TextEncoder().encode(JSON.stringify({ type: "send", id: newId(), text })).length;
    if (bytes > this.limits.message_bytes) return { code: "too_big", limit: this.limits.message_bytes };
    return null;
  }

  /** Put a text into the outbox, under an id of our own: with it the server knows it again. */
  write(text) {
    const id = newId();
    this.outbox.push({ id, text });
    return id;
  }

  /** What goes out now, or null. One message at a time keeps them in order, whatever gets lost. */
  next() {
    if (!this.isOpen || this.isPausing || this.inFlight !== undefined || this.outbox.length === 0) return null;
    const { id, text } = this.outbox[0];
    this.inFlight = id;
    return { type: "send", id, text };
  }

  /** The pause that the server asked for is over. */
  waited() {
    this.isPausing = false;
  }

  // What we hear

  /** Whether what we missed is still to come. */
  get isBehind() {
    return !this.isOpen || !(this.last >= this.head);
  }

  /** What one message of the server means. What this version does not know is left alone. */
  hear(message) {
    switch (message.type) {
      case "welcome":
        return this.welcome(message);
      case "msg":
      case "notice":
        return this.numbered(message, [said(message)]);
      case "joined":
      case "renamed":
        return [this.isHere(message.type, person(message.who))];
      case "left":
        return [this.isGone(person(message.who))];
      case "presence":
        return this.crowd(message);
      case "ack":
        return this.answer(message.id, { type: "acked", seq: message.seq });
      case "nack":
        return this.nack(message);
      case "beat":
        return message.head > this.last ? [{ type: "again" }] : []; // one got lost on the way
      default: // its place is counted, or it would look like a gap for ever
        return "seq" in message ? this.numbered(message, []) : [];
    }
  }

  /** We are in. Where the log cannot go on after our last number, what was shown is void. */
  welcome({ you, me, name, room, epoch, head, resumed, members, limits = {} }) {
    const isVoid = this.last !== undefined && !resumed;
    if (isVoid) this.last = undefined;
    if (this.last === undefined && head === 0) this.last = 0; // whoever saw an empty room has seen all of it
    Object.assign(this, {
      you,
      me,
      epoch,
      head,
      name: cut(name, LIMITS.shown_name),
      room: cut(room, LIMITS.shown_name),
    });
    this.members = new Map(members.map(person).map((who) => [who.id, who]));
    this.count = members.length;
    this.limits = smaller(LIMITS, limits);
    this.isOpen = true;
    return isVoid ? [{ type: "reset" }, { type: "welcomed" }] : [{ type: "welcomed" }];
  }

  /** Each number once, in order. Where one is missing, only the log can tell what it was. */
  numbered({ seq, id }, events) {
    if (seq <= this.last) return []; // shown before; not so (undefined) while nothing was
    if (seq > this.last + 1) return [{ type: "again" }];
    this.last = seq;
    return [...events, ...this.answer(id, { type: "acked", seq })]; // our own: as good as its ack
  }

  /** The first of the outbox has its answer; an answer to anything else is none. */
  answer(id, event) {
    if (this.outbox.length === 0 || this.outbox[0].id !== id) return [];
    this.inFlight = undefined;
    const { text } = this.outbox.shift();
    return [{ ...event, id, text }];
  }

  /** The server did not take something: never, later, or not from us at all. */
  nack({ id = this.inFlight, code, message, retry_ms }) {
    if (Object.values(FINAL).includes(code)) return [{ type: "over", reason: code, message: reason(code, message) }];
    const isLater = retry_ms !== undefined;
    if (isLater && id === undefined) return [{ type: "again" }]; // hello, or the replay after it
    if (!this.isOpen) return [{ type: "over", reason: code, message: reason(code, message) }];
    if (!isLater) return this.answer(id, { type: "refused", code, message: reason(code, message) });
    if (id !== this.inFlight) return [];
    this.inFlight = undefined;
    this.isPausing = true;
    return [{ type: "pause", ms: retry_ms }];
  }

  isHere(type, who) {
    const old = this.members.get(who.id)?.name;
    if (old === undefined) this.count += 1;
    this.members.set(who.id, who);
    if (who.id === this.you) this.name = who.name;
    return { type, who, old };
  }

  isGone(who) {
    const isStranger = this.count > this.members.size; // in a big room we do not know every name
    if (this.members.delete(who.id) || isStranger) this.count -= 1;
    return { type: "left", who };
  }

  /** A big room tells how many are here, and some of the names. */
  crowd({ count, joined = [], left = [] }) {
    const came = joined.map((who) => this.isHere("joined", person(who)));
    const went = left.map((who) => this.isGone(person(who)));
    this.count = count;
    return [...came, ...went];
  }

  // The connection is gone

  /** The connection closed with this code. */
  dropped(code) {
    const isPoison = code === 1009 && this.inFlight !== undefined; // it would close every connection that carries it
    const refused = isPoison ? this.answer(this.inFlight, { type: "refused", code: "too_big" }) : [];
    this.hangUp();
    return [...refused, code in FINAL ? { type: "over", reason: FINAL[code] } : { type: "again" }];
  }

  /** What was on its way has no answer, and goes out again after the next welcome. */
  hangUp() {
    this.isOpen = this.isPausing = false;
    this.inFlight = undefined;
  }
}

/** A text from the wire, at most so many code points of it. Twice as many units hold them all, whatever else comes. */
function cut(text, limit) {
  return [...String(text).slice(0, 2 * limit)].slice(0, limit).join("");
}

const person = ({ id, name }) => ({ id, name: cut(name, LIMITS.shown_name) });

function said({ type, seq, id, from, name, ts, text }) {
  return { type, seq, id, who: person({ id: from, name }), ts, text: cut(text, LIMITS.text) };
}

/** The reason for a refusal in both languages; where one is missing, the other one, or the bare code. */
function reason(code, { en, th } = {}) {
  return { en: cut(en ?? th ?? code, LIMITS.text), th: cut(th ?? en ?? code, LIMITS.text) };
}

/** Our own limits, and the server's where they are narrower. */
function smaller(own, theirs) {
  return Object.fromEntries(Object.entries(own).map(([key, limit]) => [key, Math.min(limit, theirs[key] ?? limit)]));
}
