/* Sets one attribute on the page; reading.css does the rest. The choice is kept in the browser, not in the kernel.
   `kernel.js` stands before this file. */

const KEY = "chatkit-reading";
const CHOICES = { en: "English", th: "ไทย", both: "English · ไทย" };

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a browser that keeps nothing
  }
}

function choose(choice, ...fresh) {
  document.body.dataset.chatkitReading = choice;
  for (const button of [...document.querySelectorAll(".chatkit-reading button"), ...fresh]) {
    button.setAttribute("aria-pressed", String(button.value === choice));
  }
}

function keep(choice) {
  choose(choice);
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // it holds until the page is loaded again
  }
}

function render({ model, el }) {
  const group = document.createElement("div");
  group.className = "chatkit-reading";
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", model.get("label"));
  const label = document.createElement("span");
  label.textContent = model.get("label");
  group.append(label);
  for (const [value, name] of Object.entries(CHOICES)) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", value, textContent: name, onclick: () => keep(value) });
    group.append(button);
  }
  keepKeys(group);
  el.append(group);
  choose(stored() ?? model.get("lang"), ...group.querySelectorAll("button")); // `el` may not be in the page yet
  return watchNotebook(model, el);
}

/** What is said of the kernel on this notebook's page. Returns what ends it. */
function watchNotebook(model, el) {
  let seen = null;
  /** The notebook around this cell; while the cell is scrolled out of the page, the one seen before, or in front. */
  function panel() {
    seen = el.closest(".jp-NotebookPanel") ?? seen;
    return seen ?? document.querySelector(".jp-NotebookPanel:not(.lm-mod-hidden)");
  }
  const frame = requestAnimationFrame(() => panel()?.classList.remove("chatkit-kernel-lost"));
  // Until this cell runs again, lost.css says so in each plain widget.
  const unwatch = watchKernel(model, () => panel()?.classList.add("chatkit-kernel-lost"));
  const calm = sayBusy(model, panel);
  return () => {
    cancelAnimationFrame(frame);
    unwatch();
    calm();
  };
}

/** A bar under a notebook whose kernel does nothing else for long: the stop button cannot end everything. */
function sayBusy(model, panel) {
  const bar = make("div", "chatkit-busy", { role: "status" }, model.get("busy"));
  let timer;
  const onStatus = (_, status) => {
    clearTimeout(timer);
    bar.remove();
    if (status === "busy") timer = setTimeout(() => panel()?.append(bar), 1000 * model.get("patience"));
  };
  const changed = model.widget_manager?.kernel?.statusChanged;
  changed?.connect(onStatus);
  return () => {
    changed?.disconnect(onStatus);
    onStatus();
  };
}

export default { initialize: ({ model }) => choose(stored() ?? model.get("lang")), render };
