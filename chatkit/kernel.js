/* What a widget knows of its kernel, and of the cell it stands in. Panels and teaching tools alike put it before their
   scripts: a widget's module cannot import a file. */

const PATIENCE = 3000; // milliseconds until a kernel that does not answer is called silent
const GONE = ["restarting", "autorestarting", "terminating", "dead"]; // a kernel's states that no widget survives

/** Ask now, and again until it is answered: JupyterLite's kernel drops what waits behind a cell that breaks.
    Returns what ends the asking. */
function insist(ask) {
  const timer = setInterval(ask, PATIENCE);
  ask();
  return () => clearInterval(timer);
}

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

/** Keys pressed in a widget are its own: JupyterLab would take Enter away from it, and read letters as commands to the
    notebook (`dd` deletes a cell). Two keys lead out: Escape to the widget's cell, Shift+Enter to the next cell. That does
    not run the widget's cell again: what was done in the widget would be gone. */
function keepKeys(root) {
  const held = (event) => event.ctrlKey || event.metaKey || event.altKey;
  root.addEventListener("keydown", (event) => {
    if (held(event)) return;
    event.stopPropagation();
    if (event.key === "Escape") root.closest(".jp-Cell")?.focus();
  });
  // On the way down, before a button is pressed or a form is sent by it.
  root.addEventListener(
    "keydown",
    (event) => {
      const next = root.closest(".jp-Cell")?.nextElementSibling;
      if (held(event) || event.key !== "Enter" || !event.shiftKey || !next) return;
      event.preventDefault();
      event.stopPropagation();
      next.focus();
    },
    true,
  );
}
