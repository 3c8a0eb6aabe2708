/* What the scripts of all teaching tools begin with; view.py puts it in front of each, and kernel.js before it. */

function make(tag, name, ...children) {
  const element = document.createElement(tag);
  element.className = name;
  element.append(...children.flatMap((child) => (isWords(child) ? spoken(child) : [child])));
  return element;
}

const isWords = (value) => typeof value === "object" && !(value instanceof Node);

/** Words {en: …, th: …} as one span for each language; a screen reader and the reading switch know which is which. */
function spoken(words) {
  return Object.entries(words).map(([lang, text]) => {
    const span = make("span", lang && `chatkit-words ${lang}`);
    if (lang) span.lang = lang;
    for (const [n, part] of text.split("`").entries()) span.append(n % 2 ? make("code", "", part) : part);
    return span;
  });
}

const plain = (words) => Object.values(words).join(" · ").replaceAll("`", "");

function makeButton(name, onclick, ...children) {
  const button = make("button", name, ...children);
  button.type = "button";
  button.onclick = onclick;
  return button;
}

/** Tell the kernel, and say in `status` where it does not answer; returns what ends that waiting. */
function tell(model, message, status) {
  const silent = () => status.replaceChildren(make("p", "", model.get("state").no_answer));
  const patience = setTimeout(silent, PATIENCE);
  try {
    model.send(message);
  } catch {
    silent();
  }
  return () => clearTimeout(patience);
}

/** Put a tool into the page: `heard` is called at each new state; once its kernel is gone, that is said above it.
    Returns what ends both. */
function place(model, el, root, heard) {
  model.on("change:state", heard);
  el.append(root);
  const unwatch = watchKernel(model, () => {
    if (root.inert) return;
    root.inert = true; // what was filled in stays to be read
    const gone = make("p", "chatkit-lost", model.get("state").lost);
    gone.setAttribute("role", "alert");
    root.before(gone);
  });
  return () => {
    unwatch();
    model.off("change:state", heard);
  };
}

/** What a check found, and its button. */
function drawChecked(state, check) {
  const status = make("div", `chatkit-said chatkit-${state.state.replace(" ", "-")}`);
  status.setAttribute("role", "status");
  status.append(...state.said.map((said) => make("p", "", said)));
  if (state.code.length) status.append(make("pre", "", state.code.join("\n")));
  return [makeButton("chatkit-check", check, state.check), status];
}
