/* What the widgets of this kit share; the Python side puts it before the file of each. */

const PATIENCE = 3000; // milliseconds until a kernel that does not answer is called silent
const GONE = ["restarting", "autorestarting", "terminating", "dead"]; // a kernel's states that no panel survives

// Making elements

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

// The kernel

/** Call `onGone` when the kernel is restarted, dies or is shut down. Returns what ends the watch.

    JupyterLab tells a widget of a restart, but not of the other ends; so its kernel is watched, too. */
function watchKernel(model, onGone) {
  const kernel = model.widget_manager?.kernel;
  const onStatus = (_, status) => GONE.includes(status) && onGone();
  kernel?.statusChanged?.connect(onStatus);
  kernel?.disposed?.connect(onGone);
  return () => {
    kernel?.statusChanged?.disconnect(onStatus);
    kernel?.disposed?.disconnect(onGone);
  };
}
