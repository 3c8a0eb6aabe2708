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
  // JupyterLab would take Enter away from a button.
  group.addEventListener(
    "keydown",
    (event) => event.ctrlKey || event.metaKey || event.altKey || event.stopPropagation(),
  );
  el.append(group);
  choose(stored() ?? model.get("lang"), ...group.querySelectorAll("button")); // `el` may not be in the page yet
  return markLost(model, el);
}

/** Mark the notebook when its kernel is gone, until this cell runs again: lost.css says so in each plain widget. */
function markLost(model, el) {
  let notebook = null; // later this cell may be scrolled out of the page
  const frame = requestAnimationFrame(() => {
    notebook = el.closest(".jp-Notebook");
    notebook?.classList.remove("chatkit-kernel-lost");
  });
  const unwatch = watchKernel(model, () => notebook?.classList.add("chatkit-kernel-lost"));
  return () => {
    cancelAnimationFrame(frame);
    unwatch();
  };
}

export default { initialize: ({ model }) => choose(stored() ?? model.get("lang")), render };
