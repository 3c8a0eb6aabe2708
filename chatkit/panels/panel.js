/* One view for every panel: a line of state, a log, an input box. It knows no chat, and no sentence of its own.
   `common.js` stands before this file.

   To the panel: {do: "show"}, {do: "submit", text}, {do: "press", button}, each with its `view`.
   From it: {do: "draw", status, lines, oldest, view?} and {do: "answer", view, why}. The words that stay are in `labels`.
   Text becomes text nodes only: nothing that somebody wrote is ever read as HTML. */

const AT_THE_END = 24; // pixels from the newest line that still count as reading it

const warned = (words) => (words ? ["⚠️ ", words] : []);

const clock = (ts) => new Date(ts * 1000).toTimeString().slice(0, 5);

/** A name, and a few signs of its id where another one looks the same. <bdi>: no letter turns what is around it. */
function called(name, tag) {
  const whose = make("bdi", "chatkit-who", {}, name);
  return tag ? [whose, " ", make("code", "chatkit-tag", {}, tag)] : [whose];
}

/** One line of the log. */
function row({ number, kind, mark, who, tag, text, ts }) {
  const speaker = who ? [...called(who, tag), ": "] : [];
  const said = make("bdi", "chatkit-text", {}, text);
  const time = make("time", "chatkit-time", {}, clock(ts));
  const sort = kind === "presence" || kind === "trouble" ? "passing" : "talk";
  const properties = { "data-number": number, "data-sort": sort };
  return make("div", `chatkit-line chatkit-${kind}`, properties, mark && `${mark} `, ...speaker, said, time);
}

/** All parts of a panel; `panel` is the whole. */
function makeParts(labels) {
  const label = plain(labels.box);
  const parts = {
    detail: make("code", "chatkit-detail"),
    state: make("span", "chatkit-state", { role: "status" }),
    buttons: make("span", "chatkit-buttons"),
    dead: make("p", "chatkit-dead", { role: "alert", hidden: true }, "⚠️ ", labels.dead),
    why: make("p", "chatkit-why", { role: "alert" }),
    members: make("ul", "chatkit-members", { "aria-label": plain(labels.members) }),
    log: make("div", "chatkit-log", { role: "log", tabIndex: 0, "aria-label": plain(labels.log) }),
    newer: make("button", "chatkit-newer", { type: "button", hidden: true }, "↓ ", labels.newer),
    note: make("p", "chatkit-note", { role: "status" }),
    box: make("input", "chatkit-box", { type: "text", autocomplete: "off", placeholder: label, "aria-label": label }),
    send: make("button", "chatkit-send", { type: "submit" }, labels.send),
    answer: make("p", "chatkit-answer", { role: "alert" }),
  };
  const title = make("strong", "chatkit-title", {}, make("bdi", "", {}, labels.title));
  const header = make("header", "chatkit-header", {}, title, parts.detail, parts.state, parts.buttons);
  const room = make("div", "chatkit-room", {}, parts.log, parts.newer);
  parts.form = make("form", "chatkit-form", {}, parts.box, parts.send);
  const { dead, why, members, note, form, answer } = parts;
  const children = [header, dead, why, members, room, note, form, answer];
  parts.panel = make("section", "chatkit", { "aria-label": plain(labels.title) }, ...children);
  return parts;
}

// The log

/** Pixels from the first of some lines to the line that follows them. */
function heightOf(lines) {
  const next = lines.at(-1)?.nextSibling;
  return next ? next.getBoundingClientRect().top - lines[0].getBoundingClientRect().top : 0;
}

/** The lines on the page. It stays at the newest one, or where the reader scrolled to. */
class Log {
  last = null; // number of the newest line shown; null until the history is here
  isAtEnd = true;
  waiting = []; // lines to be drawn
  oldest = {}; // numbers of the oldest lines that still count
  timer = undefined;
  cost = 0; // milliseconds that the last drawing took

  constructor({ log, newer }) {
    this.log = log;
    this.newer = newer;
    log.addEventListener("scroll", () => this.onScroll());
    newer.addEventListener("click", () => this.toEnd());
    // A log that was hidden, or whose fonts came late, has another height now.
    this.resized = new ResizeObserver(() => this.isAtEnd && this.toEnd());
    this.resized.observe(log);
  }

  /** Draw soon: in a flood a slow machine draws less often, and the page stays free for its reader. */
  add(lines, oldest) {
    this.oldest = oldest;
    this.waiting.push(...lines);
    this.timer ??= setTimeout(() => this.draw(), 3 * this.cost);
  }

  draw() {
    const began = performance.now();
    const lines = this.fresh().map(row);
    this.replace(lines.filter((line) => this.counts(line)));
    [this.waiting, this.timer, this.cost] = [[], undefined, performance.now() - began];
  }

  /** The lines that are not on the page yet, each once: a history may hold what came by itself, too. */
  fresh() {
    const found = [];
    for (const line of this.waiting) {
      if (line.number > this.last) found.push(line);
      this.last = Math.max(this.last, line.number);
    }
    return found;
  }

  /** New lines in, outdated ones out; what the reader reads stays where it is. */
  replace(fresh) {
    const outdated = [...this.log.children].filter((line) => !this.counts(line));
    const gone = this.isAtEnd ? 0 : this.heightAbove(outdated);
    const place = this.log.scrollTop - gone;
    for (const line of outdated) line.remove();
    this.log.append(...fresh);
    if (this.isAtEnd) this.toEnd();
    else this.log.scrollTop = place;
    this.newer.hidden = this.isAtEnd || (this.newer.hidden && fresh.length === 0);
  }

  /** Pixels that lines take above what is seen now. */
  heightAbove(lines) {
    const top = this.log.getBoundingClientRect().top;
    const above = lines.filter((line) => line.getBoundingClientRect().bottom <= top);
    return above.reduce((sum, line) => sum + heightOf([line]), 0);
  }

  counts(line) {
    return Number(line.dataset.number) >= this.oldest[line.dataset.sort];
  }

  toEnd() {
    this.isAtEnd = true;
    this.newer.hidden = true;
    this.log.scrollTop = this.log.scrollHeight;
  }

  onScroll() {
    const { scrollHeight, scrollTop, clientHeight } = this.log;
    this.isAtEnd = scrollHeight - scrollTop - clientHeight < AT_THE_END;
    if (this.isAtEnd) this.newer.hidden = true;
  }

  dispose() {
    clearTimeout(this.timer);
    this.resized.disconnect();
  }
}

// The state

function button({ name, words }, tell) {
  const onclick = () => tell({ do: "press", button: name });
  return make("button", "chatkit-button", { type: "button", onclick }, words);
}

function member({ name, tag, you }) {
  return make("li", "chatkit-member", you ? { "aria-current": "true" } : {}, ...called(name, tag));
}

/** Who is here; how many comes first, where they are many: the list of a crowd has an end. */
function people({ members, crowd, state }, labels) {
  const nobody = state === "running" && labels.nobody ? [make("li", "chatkit-nobody", {}, labels.nobody)] : [];
  const count = crowd ? [make("li", "chatkit-crowd", {}, crowd)] : [];
  return members.length ? [...count, ...members.map(member)] : nobody;
}

function drawStatus(parts, labels, status, tell) {
  const shape = make("span", "chatkit-shape", { "aria-hidden": "true" }, status.mark);
  parts.panel.dataset.state = status.state;
  fill(parts.detail, status.detail);
  fill(parts.state, shape, status.words);
  fill(parts.why, ...warned(status.why));
  fill(parts.note, ...(status.note ? ["⏳ ", status.note] : []));
  fill(parts.buttons, ...status.buttons.map((each) => button(each, tell)));
  fill(parts.members, ...people(status, labels));
}

/** Without its kernel nothing is true any more of what a panel says; only what was said, and what was typed, stays. */
function drawDead(parts, isDead) {
  parts.dead.hidden = !isDead;
  parts.panel.classList.toggle("chatkit-is-dead", isDead);
  for (const part of [parts.state, parts.why, parts.note, parts.members, parts.answer]) part.hidden = isDead;
  for (const each of parts.panel.querySelectorAll(".chatkit-button, .chatkit-send")) each.disabled = isDead;
  parts.box.readOnly = isDead;
}

// The input box

/** The box is cleared when the panel has accepted the text, never before. */
class Box {
  sent = null; // the text that waits for its answer

  constructor({ form, box, answer }, labels, tell) {
    Object.assign(this, { box, answer, labels, tell });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  submit() {
    const text = this.box.value;
    if (!text.trim() || text === this.sent || this.box.readOnly) return;
    this.sent = text;
    this.wait();
    this.tell({ do: "submit", text });
  }

  /** A busy kernel answers later: say so, before the reader types it all again. */
  wait() {
    clearTimeout(this.patience);
    this.patience = setTimeout(() => fill(this.answer, ...warned(this.labels.no_answer)), PATIENCE);
  }

  answered(refusal) {
    const rest = this.box.value.startsWith(this.sent) ? this.box.value.slice(this.sent.length) : this.box.value;
    if (!refusal) this.box.value = rest;
    this.sent = null;
    this.stopWaiting();
    fill(this.answer, ...warned(refusal));
  }

  stopWaiting() {
    clearTimeout(this.patience);
    if (this.sent === null) fill(this.answer);
  }
}

// The whole

function render({ model, el }) {
  const labels = model.get("labels");
  const view = Math.random().toString(36).slice(2);
  const parts = makeParts(labels);
  const log = new Log(parts);
  const box = new Box(parts, labels, tell);
  let stopAsking = () => {};

  /** Tell the panel; a model whose kernel has gone throws. */
  function tell(message) {
    try {
      model.send({ ...message, view });
    } catch {
      drawDead(parts, true);
    }
  }

  function onMessage(message) {
    drawDead(parts, false);
    if (message.view !== undefined && message.view !== view) return;
    if (message.do === "answer") return box.answered(message.why);
    if (message.status) drawStatus(parts, labels, message.status, tell);
    if (message.view === view) {
      stopAsking();
      box.stopWaiting();
      log.last ??= 0;
    }
    if (log.last !== null) log.add(message.lines, message.oldest);
  }

  function show() {
    box.wait();
    stopAsking();
    stopAsking = insist(() => tell({ do: "show" }));
  }

  const unwatch = watchKernel(model, () => drawDead(parts, true));
  keepKeys(parts.panel);
  model.on("msg:custom", onMessage);
  model.on("comm_live_update", show);
  el.append(parts.panel);
  show();
  return () => {
    stopAsking();
    box.stopWaiting();
    log.dispose();
    unwatch();
    model.off("msg:custom", onMessage);
    model.off("comm_live_update", show);
  };
}

export default { render };
