/* What a widget knows of its kernel. Panels and teaching tools alike put it before their scripts: a widget's module cannot
   import a file. */

const PATIENCE = 3000; // milliseconds until a kernel that does not answer is called silent
const GONE = ["restarting", "autorestarting", "terminating", "dead"]; // a kernel's states that no widget survives

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
