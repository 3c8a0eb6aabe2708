/* One view for every panel: a line of state, a log, an input box. It knows no chat, and no sentence of its own.

   To the panel: {do: "show"}, {do: "submit", text}, {do: "press", button}, each with its `view`.
   From it: {do: "lines", lines, oldest, view?} and {do: "answer", view, why}. Everything else is in `labels` and `status`.
   Text becomes text nodes only: nothing that somebody wrote is ever read as HTML. */

const PATIENCE = 3000; // milliseconds until a kernel that does not answer is called silent
const AT_THE_END = 24; // pixels from the newest line that still count as reading it

/** An element with a class, some properties, and children; a child is a string, a node, or words {en: …, th: …}. */
function make(tag, name, properties = {}, ...children) {
  const element = document.createElement(tag);
  element.className = name;
  for (const [key, value] of Object.entries(properties)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  return fill(element, ...children);
}

function fill(element, ...children) {
  element.replaceChildren(...children.flatMap((child) => (isWords(child) ? spoken(child) : [child])));
  return element;
}

const isWords = (value) => value !== null && typeof value === "object" && !(value instanceof Node);

/** Words as one span for each language, so that a screen reader and the reading switch know which is which. */
function spoken(words) {
  return Object.entries(words).map(([lang, text]) => make("span", `chatkit-${lang}`, { lang }, text));
}

const plain = (words) => (isWords(words) ? Object.values(words).join(" · ") : words);

const clock = (ts) => new Date(ts * 1000).toTimeString().slice(0, 5);

function row({ number, kind, mark, who, text, ts }) {
  // <bdi>: letters that turn the writing direction turn nothing outside of their own text.
  const speaker = who ? [make("bdi", "chatkit-who", {}, who), ": "] : [];
  const said = [mark && `${mark} `, ...speaker, make("bdi", "chatkit-text", {}, text), make("time", "chatkit-time", {}, clock(ts))];
  return make("div", `chatkit-line chatkit-${kind}`, { "data-number": number }, ...said);
}

/** Pixels from the first of some lines to the line that follows them. */
function heightOf(lines) {
  const next = lines.at(-1)?.nextSibling;
  return next ? next.getBoundingClientRect().top - lines[0].getBoundingClientRect().top : 0;
}

function render({ model, el }) {
  const labels = model.get("labels");
  const view = Math.random().toString(36).slice(2);
  const title = make("strong", "chatkit-title", {}, make("bdi", "", {}, labels.title));
  const detail = make("code", "chatkit-detail");
  const state = make("span", "chatkit-state", { role: "status" });
  const buttons = make("span", "chatkit-buttons");
  const why = make("p", "chatkit-why", { role: "alert" });
  const members = make("ul", "chatkit-members", { "aria-label": plain(labels.members) });
  const log = make("div", "chatkit-log", { role: "log", tabIndex: 0, "aria-label": plain(labels.log) });
  const newer = make("button", "chatkit-newer", { type: "button", hidden: true }, "↓ ", labels.newer);
  const box = make("input", "chatkit-box", {
    type: "text", autocomplete: "off", placeholder: plain(labels.box), "aria-label": plain(labels.box),
  });
  const send = make("button", "chatkit-send", { type: "submit" }, labels.send);
  const form = make("form", "chatkit-form", {}, box, send);
  const answer = make("p", "chatkit-answer", { role: "alert" });
  const dead = make("p", "chatkit-dead", { role: "alert", hidden: true }, "⚠️ ", labels.dead);
  const header = make("header", "chatkit-header", {}, title, detail, state, buttons);
  const room = make("div", "chatkit-room", {}, log, newer);
  const panel = make("section", "chatkit", { "aria-label": plain(labels.title) },
    header, why, members, room, form, answer, dead);

  // The log: it stays at the newest line, or where the reader scrolled to.

  let last = null; // number of the newest line shown; null until the history is here
  let isAtEnd = true;

  function toEnd() {
    isAtEnd = true;
    newer.hidden = true;
    log.scrollTop = log.scrollHeight;
  }

  let waiting = []; // lines to be drawn
  let oldest = 0; // number of the oldest line that still counts
  let timer;
  let cost = 0; // milliseconds that the last drawing took

  /** Draw soon: in a flood a slow machine draws less often, and the page stays free for its reader. */
  function drawSoon(message) {
    oldest = message.oldest;
    waiting = [...waiting, ...message.lines].filter(({ number }) => number >= oldest);
    timer ??= setTimeout(draw, 3 * cost);
  }

  function draw() {
    const began = performance.now();
    const fresh = waiting.filter(({ number }) => number > last && (last = number));
    const outdated = [...log.children].filter((line) => line.dataset.number < oldest);
    const place = isAtEnd ? 0 : log.scrollTop - heightOf(outdated);
    outdated.forEach((line) => line.remove());
    log.append(...fresh.map(row));
    if (isAtEnd) toEnd();
    else log.scrollTop = place;
    newer.hidden = isAtEnd || (newer.hidden && fresh.length === 0);
    [waiting, timer, cost] = [[], undefined, performance.now() - began];
  }

  function onScroll() {
    isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < AT_THE_END;
    if (isAtEnd) newer.hidden = true;
  }

  // The input box: it is cleared when the panel has accepted the text, never before.

  let sent = null; // the text that waits for its answer
  let patience;

  function submit(event) {
    event.preventDefault();
    if (!box.value.trim() || box.value === sent || !dead.hidden) return;
    sent = box.value;
    patience = setTimeout(() => fill(answer, "⚠️ ", labels.no_answer), PATIENCE);
    tell({ do: "submit", text: sent });
  }

  function answered(refusal) {
    clearTimeout(patience);
    fill(answer, ...(refusal ? ["⚠️ ", refusal] : []));
    if (!refusal && box.value.startsWith(sent)) box.value = box.value.slice(sent.length);
    sent = null;
  }

  // What the panel says.

  function onMessage(message) {
    setDead(false);
    if (message.view !== undefined && message.view !== view) return;
    if (message.do === "answer") return answered(message.why);
    if (message.view === view) last = last ?? 0;
    if (last !== null) drawSoon(message);
  }

  /** After a restart of the kernel nothing is true any more of what a panel says of its line. */
  function setDead(isDead) {
    dead.hidden = !isDead;
    for (const part of [state, buttons, why, members, answer]) part.hidden = isDead;
  }

  /** Tell the panel; a model whose kernel has gone throws. */
  function tell(message) {
    try {
      model.send({ ...message, view });
    } catch {
      setDead(true);
    }
  }

  const show = () => tell({ do: "show" });

  function onStatus() {
    const status = model.get("status");
    panel.dataset.state = status.state;
    fill(detail, status.detail);
    fill(state, make("span", "chatkit-shape", { "aria-hidden": "true" }, status.mark), status.words);
    fill(why, ...(status.why ? ["⚠️ ", status.why] : []));
    fill(buttons, ...status.buttons.map(({ name, words }) =>
      make("button", "chatkit-button", { type: "button", onclick: () => tell({ do: "press", button: name }) }, words)));
    const people = status.members.map(({ name, you }) =>
      make("li", "chatkit-member", you ? { "aria-current": "true" } : {}, make("bdi", "", {}, name)));
    const nobody = status.state === "running" && labels.nobody ? [make("li", "chatkit-nobody", {}, labels.nobody)] : [];
    fill(members, ...(people.length ? people : nobody));
  }

  log.addEventListener("scroll", onScroll);
  newer.addEventListener("click", toEnd);
  form.addEventListener("submit", submit);
  // JupyterLab would take Enter away from the box, and read letters as commands to the notebook (`dd` deletes a cell).
  panel.addEventListener("keydown", (event) => event.ctrlKey || event.metaKey || event.altKey || event.stopPropagation());
  // A log that was hidden, or whose fonts came late, has another height now.
  const resized = new ResizeObserver(() => isAtEnd && toEnd());
  resized.observe(log);
  model.on("msg:custom", onMessage);
  model.on("change:status", onStatus);
  model.on("comm_live_update", show);
  onStatus();
  el.append(panel);
  show();
  return () => {
    clearTimeout(patience);
    clearTimeout(timer);
    resized.disconnect();
    model.off("msg:custom", onMessage);
    model.off("change:status", onStatus);
    model.off("comm_live_update", show);
  };
}

export default { render };
