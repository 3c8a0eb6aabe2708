'use strict';
/* The phone page: one client of the `chatkit.v1` dialect, in the language of the reader's choice.
 *
 *   1 words     every sentence in English and in Thai, switched at any time
 *   2 memory    what a reload must not lose
 *   3 chat      the protocol; nothing in it knows the document
 *   4 view      the document; nothing in it knows the socket
 */

const $ = (id) => document.getElementById(id);

/* ---- 1 words ------------------------------------------------------------------------------------------------ */

const TEXTS = JSON.parse($('texts').textContent);

/** The sentence as the wire carries it too: `{en: …, th: …}`. */
function both(key, values = {}) {
  const shown = (value) => (typeof value === 'number' ? value.toLocaleString('en') : value);
  const fill = (sentence) => sentence.replace(/\{(\w+)\}/g, (_, name) => shown(values[name]));
  return { en: fill(TEXTS.en[key]), th: fill(TEXTS.th[key]) };
}

const NOTHING = { en: '', th: '' };

/** A name inside a sentence: isolated, so that a right-to-left name turns no word around it. */
const isolated = (name) => `\u2068${name}\u2069`;

/** The first language of the device that this page speaks. */
function deviceLanguage() {
  return navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in TEXTS) ?? 'en';
}

/** Puts a sentence where the reader finds it, and leaves both languages there for the switch. */
function write(node, sentence, attribute = '') {
  node.sentences = { ...node.sentences, [attribute]: sentence };
  node.dataset.said = '';
  if (attribute) node.setAttribute(attribute, sentence[kept.lang]);
  else node.textContent = sentence[kept.lang];
}

function speak(lang) {
  kept.lang = document.documentElement.lang = lang;
  keep();
  const other = lang === 'en' ? 'th' : 'en';
  $('switch').lang = other; // a screen reader says "ไทย" in Thai
  $('switch').textContent = { en: 'English', th: 'ไทย' }[other];
  for (const node of document.querySelectorAll('[data-said]')) {
    for (const [attribute, sentence] of Object.entries(node.sentences)) write(node, sentence, attribute);
  }
}

/** The sentences that stand in index.html as `data-say="key"` and `data-say-placeholder="key"`. */
function writeAll() {
  for (const node of document.querySelectorAll('*')) {
    for (const { name, value } of [...node.attributes]) {
      if (name.startsWith('data-say')) write(node, both(value), name.slice('data-say-'.length));
    }
  }
}

/* ---- 2 memory ----------------------------------------------------------------------------------------------- */

const SHELF = `chatkit ${location.pathname}`; // each room its own; sessionStorage ends with the tab
const MINE = 200; // own message ids to remember: more than a reload shows again

function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(SHELF));
  } catch {
    return null; // a private window may refuse: then a reload starts anew
  }
}

function keep() {
  try {
    sessionStorage.setItem(SHELF, JSON.stringify(kept));
  } catch {} // the page itself goes on all the same
}

const kept = {
  lang: deviceLanguage(),
  name: '', token: undefined, joined: false, // who is to join
  me: undefined, epoch: undefined, last: undefined, // what the server is told after a gap
  outbox: [], // {id, text} in order; `refused` holds the reason once the server said no
  mine: [], // ids of the newest own messages
  ...recall(),
};

/* ---- 3 chat ------------------------------------------------------------------------------------------------- */

const ADDRESS = location.href.replace(/^http/, 'ws').replace(/[?#].*/s, ''); // the path is the room
const OVERLAP = 50; // messages that a reloaded page reads again, so that it is not empty
const CONNECT_MS = 10_000;
const SILENCE_MS = 45_000; // three beats missed: nobody is there
const BEAT_MS = 17_000; // one beat, and a little patience
const FINAL = { 4001: 'replaced', 4003: 'removed', 4401: 'token', 1008: 'flood' };
const REASONS = new Set(Object.values(FINAL));
const VERBS = new Set(['welcome', 'ack', 'nack', 'msg', 'notice', 'joined', 'left', 'renamed', 'beat']);

/** 128 random bits. Not crypto.randomUUID: browsers have none on http://192.168…, where classes are. */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Milliseconds before the next try: random at first, so that a class does not come back as one wave. */
function backoff(tries) {
  if (tries === 0) return Math.random() * 1000;
  return Math.min(15_000, 1000 * 1.6 ** tries) * (0.7 + 0.6 * Math.random());
}

class Chat {
  state = 'start'; // start, connecting, open, reconnecting, closed
  tries = 0;
  inFlight = null; // the one message that waits for its ack
  members = new Map();
  limits = { text: 4000, message_bytes: 16384, name: 32 };

  constructor(view) {
    this.view = view;
    if (kept.last !== undefined) kept.last = Math.max(0, kept.last - OVERLAP);
  }

  connect() {
    this.hangUp(); // never two sockets at once
    this.enter('connecting');
    const socket = (this.socket = new WebSocket(ADDRESS, 'chatkit.v1'));
    socket.onopen = () => this.hello();
    socket.onmessage = ({ data }) => this.hear(JSON.parse(data));
    socket.onclose = ({ code }) => this.dropped(code);
    this.expectFrame(CONNECT_MS);
  }

  hello() {
    const { name, token, me, epoch, last } = kept;
    this.resuming = last !== undefined;
    this.transmit({ type: 'hello', name, token, me, epoch, after: last }); // JSON leaves undefined out
  }

  hear(frame) {
    this.expectFrame(SILENCE_MS);
    if (VERBS.has(frame.type)) this[frame.type](frame);
  }

  welcome({ you, me, room, epoch, head, resumed, members, limits }) {
    if (this.resuming && !resumed) this.startOver();
    if (head === 0) kept.last = 0; // an empty room: the first message will be number 1
    Object.assign(kept, { me, epoch, joined: true });
    Object.assign(this.limits, limits);
    Object.assign(this, { you, room, head, inFlight: null, openedAt: Date.now() });
    this.members = new Map(members.map((who) => [who.id, who.name]));
    this.enter('open');
    this.next();
  }

  /** Another log, or one that was trimmed: nothing here goes on from what is shown. */
  startOver() {
    kept.last = undefined;
    this.view.startOver();
  }

  msg(frame) {
    if (frame.seq <= kept.last) return; // seen before (false while nothing was seen)
    if (frame.seq > kept.last + 1) return this.retry(); // a gap: read again from there
    kept.last = frame.seq;
    this.settle(frame.id); // its ack may have been lost, with the link or with a reload
    this.view.show(frame, kept.mine.includes(frame.id));
  }

  notice = this.msg; // numbered like a message

  beat({ head }) {
    if (head > kept.last) this.retry(); // something between the server and here was lost
  }

  joined({ who }) {
    this.members.set(who.id, who.name);
    this.view.presence('page_joined', { name: isolated(who.name) });
  }

  left({ who }) {
    this.members.delete(who.id);
    this.view.presence('page_left', { name: isolated(who.name) });
  }

  renamed({ who }) {
    const old = this.members.get(who.id) ?? who.id;
    this.members.set(who.id, who.name);
    this.view.presence('page_renamed', { old: isolated(old), name: isolated(who.name) });
  }

  /** The text goes into the outbox at once, and out when its turn comes. */
  send(text) {
    const id = newId();
    kept.outbox.push({ id, text });
    kept.mine = [...kept.mine, id].slice(-MINE);
    this.outboxChanged();
    this.next();
  }

  /** One at a time keeps one sender's messages in order, whatever gets lost. */
  next() {
    const waiting = kept.outbox.find((message) => !message.refused);
    if (this.state !== 'open' || this.inFlight || !waiting) return;
    this.inFlight = waiting.id;
    this.transmit({ type: 'send', id: waiting.id, text: waiting.text });
  }

  ack({ id }) {
    this.settle(id);
  }

  /** In the log: out of the outbox, and the way is free for the next one. */
  settle(id) {
    this.takeOut(id);
    if (id === this.inFlight) this.again();
  }

  again() {
    this.inFlight = null;
    this.next();
  }

  nack({ id, code, message, retry_ms }) {
    const later = retry_ms !== undefined;
    if (REASONS.has(code)) this.close(code, message); // as a message too: a proxy may swallow the close code
    else if (later && !id) this.retry(); // no welcome, or no replay after it
    else if (later) this.waiting = setTimeout(() => this.again(), retry_ms);
    else if (this.state !== 'open') this.close(code, message); // the hello itself was refused
    else this.refuse(id ?? this.inFlight, message);
  }

  /** No use in trying again: the text stays, with the reason, until its author takes it back. */
  refuse(id, reason) {
    const message = kept.outbox.find((each) => each.id === id);
    if (message) message.refused = reason;
    this.outboxChanged();
    if (id === this.inFlight) this.again();
  }

  takeOut(id) {
    const left = kept.outbox.filter((message) => message.id !== id);
    if (left.length === kept.outbox.length) return;
    kept.outbox = left;
    this.outboxChanged();
  }

  outboxChanged() {
    keep();
    this.view.outboxChanged();
  }

  /** Why a text may not enter the outbox, or null: refused later, it would be refused for ever. */
  objection(text) {
    const count = [...text].length; // code points; .length counts an emoji twice
    if (count > this.limits.text) return both('page_too_long', { count, limit: this.limits.text });
    const bytes = new TextEncoder().encode(JSON.stringify({ type: 'send', id: newId(), text })).length;
    if (bytes > this.limits.message_bytes) return both('page_too_big', { limit: this.limits.message_bytes });
    return null;
  }

  dropped(code) {
    if (code in FINAL) return this.close(FINAL[code]);
    this.retry();
    if (code === 1009) this.refuse(this.inFlight, both('page_too_big', { limit: this.limits.message_bytes }));
  }

  retry() {
    this.hangUp();
    if (Date.now() - this.openedAt > 10_000) this.tries = 0; // it held for a while: begin gently again
    const wait = backoff(this.tries++);
    this.openedAt = undefined;
    this.retryAt = Date.now() + wait;
    this.timer = setTimeout(() => this.connect(), wait);
    this.enter('reconnecting');
  }

  /** The reader looks at the page again: timers of a hidden page may be minutes late, so ask the clock. */
  lookedAt() {
    const stale = this.state === 'open' && Date.now() - this.heardAt > BEAT_MS;
    if (stale || this.state === 'reconnecting') this.connect();
  }

  /** The device has a network again: what was open belongs to the old one. */
  online() {
    if (['open', 'connecting', 'reconnecting'].includes(this.state)) this.connect();
  }

  /** For good, until the reader joins again. */
  close(reason, sentence) {
    this.hangUp();
    kept.joined = false;
    keep();
    this.enter('closed');
    this.view.closed(reason, sentence);
  }

  hangUp() {
    clearTimeout(this.timer);
    clearTimeout(this.waiting);
    if (!this.socket) return;
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
    this.socket = null;
  }

  transmit(frame) {
    this.socket.send(JSON.stringify(frame));
  }

  expectFrame(milliseconds) {
    this.heardAt = Date.now();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.retry(), milliseconds);
  }

  enter(state) {
    this.state = state;
    this.view.entered(state);
  }
}

/* ---- 4 view ------------------------------------------------------------------------------------------------- */

const MOST_LINES = 500;
const FAREWELLS = {
  replaced: () => both('page_replaced'),
  removed: () => both('page_removed'),
  flood: () => both('page_flood'),
  token: () => both(kept.token ? 'page_token_wrong' : 'page_token_needed'),
};
const QUIET_ABOVE = 40; // members: in a class of 300, comings and goings would drown the talk

/** `<tag class=… >text</tag>`; a message only ever becomes text. */
function make(tag, className, text = '') {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

function said(tag, className, sentence) {
  const node = make(tag, className);
  write(node, sentence);
  return node;
}

function clock(ts) {
  const time = new Date(ts * 1000);
  const node = make('time', '', time.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' }));
  node.dateTime = time.toISOString();
  return node;
}

/** The id is shown short; the whole of it tells apart whom the short one does not. */
function tagOf(id) {
  const node = make('span', 'tag', id.slice(0, 5));
  node.title = id;
  return node;
}

function textOf(text) {
  const node = make('bdi', 'text', text);
  node.dir = 'auto';
  return node;
}

/** A message as its readers see it: who, what, when. The tag tells two people of one name apart. */
function messageLine({ type, from, name, ts, text }, mine) {
  const line = make('div', `line ${type === 'notice' ? 'notice' : mine ? 'mine' : 'theirs'}`);
  const head = make('p', 'from');
  if (type === 'notice') head.append('🟢 ', said('span', '', both('page_server')));
  else head.append(make('bdi', '', name), ' ', tagOf(from));
  const foot = make('p', 'meta');
  foot.append(clock(ts));
  if (mine) foot.append(' ✓ ', said('span', '', both('page_sent')));
  line.append(head, textOf(text), foot);
  return line;
}

/** A message that is not in the log: on its way, or refused and offered back. */
function outboxLine({ id, text, refused }) {
  const line = make('div', refused ? 'line mine refused' : 'line mine pending');
  const foot = make('p', 'meta');
  foot.append(refused ? '⚠️ ' : '⏳ ', said('span', '', refused ?? both('page_pending')));
  line.append(textOf(text), foot);
  if (refused) line.append(takeBack(id, text));
  return line;
}

function takeBack(id, text) {
  const button = said('button', 'quiet', both('page_take_back'));
  button.onclick = () => {
    const draft = $('text');
    draft.value = draft.value ? `${draft.value}\n${text}` : text;
    chat.takeOut(id);
    draft.focus();
  };
  return button;
}

const view = {
  arrived: [], // lines for the next frame: one layout for many messages
  drawing: false,
  outboxIsOld: true,
  atNewest: true,
  top: 0,
  spokeOfTrouble: false,

  show(frame, mine) {
    this.add(messageLine(frame, mine));
  },

  presence(key, values) {
    if (chat.members.size > QUIET_ABOVE) this.changed();
    else this.add(said('div', 'line presence', both(key, values)));
  },

  startOver() {
    this.arrived = [said('div', 'line marker', both('page_older_gone'))];
    $('log').replaceChildren();
    this.changed();
  },

  add(line) {
    this.arrived.push(line);
    if (this.arrived.length > MOST_LINES) this.arrived.shift(); // a hidden page draws no frames
    this.changed();
  },

  outboxChanged() {
    this.outboxIsOld = true;
    this.changed();
  },

  changed() {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => this.draw());
  },

  draw() {
    this.drawing = false;
    const fresh = this.arrived.splice(0);
    $('log').ariaBusy = String(!(kept.last >= chat.head)); // a screen reader skips the replay
    $('log').append(...fresh);
    while ($('log').childElementCount > MOST_LINES) $('log').firstElementChild.remove();
    if (this.outboxIsOld) this.drawOutbox();
    if (this.atNewest) this.toNewest();
    else if (fresh.length) $('newest').hidden = false;
    this.drawPeople();
    keep(); // how far this page has read
  },

  /** Only when it changed: a button that somebody is about to press must not be made anew under the finger. */
  drawOutbox() {
    this.outboxIsOld = false;
    $('outbox').replaceChildren(...kept.outbox.map(outboxLine));
  },

  drawPeople() {
    write($('count'), both('page_people', { count: chat.members.size }));
    if (!$('people').open) return;
    $('members').replaceChildren(...Array.from(chat.members, ([id, name]) => {
      const item = make('li', '');
      item.append(make('bdi', '', name), ' ', tagOf(id));
      if (id === chat.you) item.append(' ', said('em', '', both('page_you')));
      return item;
    }));
  },

  toNewest() {
    this.atNewest = true;
    $('newest').hidden = true;
    $('scroller').scrollTop = $('scroller').scrollHeight;
  },

  scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = $('scroller');
    const isUp = scrollTop < this.top; // not so when the log grew, or the keyboard came
    this.top = scrollTop;
    this.atNewest = scrollHeight - scrollTop - clientHeight < 40 || (this.atNewest && !isUp);
    if (this.atNewest) $('newest').hidden = true;
  },

  entered(state) {
    $('state').dataset.state = state;
    this.tick();
    if (state === 'open') showRoom(chat.room);
    this.changed();
    // Say it aloud once, not at each of twenty tries.
    const trouble = state === 'reconnecting' || state === 'closed';
    if (state === 'open' || (trouble && !this.spokeOfTrouble)) write($('spoken'), $('words').sentences['']);
    if (state !== 'connecting') this.spokeOfTrouble = trouble;
  },

  /** The state in words, with the seconds until the next try running down. */
  tick() {
    clearTimeout(this.ticking);
    const seconds = (Math.max(0, chat.retryAt - Date.now()) / 1000).toFixed(1);
    write($('words'), both(`page_${chat.state}`, { seconds }));
    if (chat.state === 'reconnecting') this.ticking = setTimeout(() => this.tick(), 100);
  },

  talk() {
    document.body.dataset.view = 'talk';
    write($('note'), NOTHING);
    $('text').focus();
  },

  /** The form to join stands below what was read so far; drafts and unsent messages stay. */
  closed(reason, sentence) {
    document.body.dataset.view = $('log').childElementCount || kept.outbox.length ? 'closed' : 'join';
    if (reason in FAREWELLS) sentence = FAREWELLS[reason]();
    $('asks').hidden = reason !== 'token';
    write($('note'), sentence);
    $(reason === 'token' ? 'token' : 'name').focus();
  },
};

function showRoom(room) {
  write($('room'), room === 'lobby' ? both('page_lobby') : { en: room, th: room });
}

/** A too long text is told so while it is typed, and refused when sent; it stays in its field. */
function weigh() {
  const limit = chat.limits.text;
  const count = [...$('text').value].length;
  write($('note'), count > limit * 0.9 ? both('page_count', { count, limit }) : NOTHING);
  $('text').ariaInvalid = String(count > limit);
}

function sendDraft(event) {
  event.preventDefault();
  const text = $('text').value;
  if (!text.trim()) return;
  const objection = chat.objection(text);
  write($('note'), objection ?? NOTHING);
  if (objection) return;
  $('text').value = '';
  view.atNewest = true;
  chat.send(text);
  $('text').focus(); // keeps the phone's keyboard open
}

function join(event) {
  event.preventDefault();
  const name = $('name').value.normalize('NFC').trim();
  const count = [...name].length;
  const limit = chat.limits.name;
  if (!name) return write($('note'), both('page_name_blank'));
  if (count > limit) return write($('note'), both('page_name_long', { count, limit }));
  kept.name = name;
  kept.token = $('token').value.trim() || kept.token;
  view.talk();
  chat.connect();
}

/** `#token=…` never leaves the browser; it goes from the address bar before anybody photographs it. */
function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (!token) return;
  kept.token = token;
  $('token').value = '';
  keep();
  history.replaceState(null, '', location.pathname + location.search);
}

/** The height that is left above the on-screen keyboard; iOS covers the page without resizing it. */
function fitScreen() {
  if (visualViewport.scale > 1.01) return; // pinched: the reader wants to see large
  document.documentElement.style.setProperty('--height', `${visualViewport.height}px`);
}

const chat = new Chat(view);

takeToken();
writeAll();
speak(kept.lang);
const path = decodeURIComponent(location.pathname).split('/').filter(Boolean);
if (path.length) showRoom(path.at(-1));
$('name').value = kept.name;

$('join').onsubmit = join;
$('talk').onsubmit = sendDraft;
$('text').oninput = weigh;
$('text').onkeydown = (event) => {
  // An input method uses Enter to choose a word; Shift+Enter makes a new line.
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) sendDraft(event);
};
$('switch').onclick = () => speak(kept.lang === 'en' ? 'th' : 'en');
$('newest').onclick = () => view.toNewest();
$('scroller').onscroll = () => view.scrolled();
$('people').ontoggle = () => view.drawPeople();
$('people').onkeydown = (event) => {
  if (event.key === 'Escape') $('people').open = false;
};
document.onclick = (event) => {
  if (!$('people').contains(event.target)) $('people').open = false;
};
document.onvisibilitychange = () => document.visibilityState === 'visible' && chat.lookedAt();
window.addEventListener('online', () => chat.online());
window.addEventListener('hashchange', takeToken);
visualViewport?.addEventListener('resize', fitScreen);
new ResizeObserver(() => view.atNewest && view.toNewest()).observe($('scroller'));

if (kept.joined) {
  view.talk();
  chat.connect();
} else {
  $('name').focus();
}
