/* The card for a phone. Its content comes in a message, not in the widget's state: a token in it is saved nowhere.
   `common.js` stands before this file. */

const QUIET = 4; // modules of white around a QR code: a camera needs them
const SVG = "http://www.w3.org/2000/svg";

function link(address) {
  const properties = { href: address, target: "_blank", rel: "noopener" };
  return make("div", "", {}, make("a", "chatkit-link", properties, make("b", "", {}, address)));
}

function draw(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Black on white whatever the theme: many cameras do not read the reverse. */
function picture({ size, path }) {
  const whole = size + 2 * QUIET;
  const white = draw("rect", { width: whole, height: whole, fill: "#fff" });
  const black = draw("path", { d: path, fill: "#000", transform: `translate(${QUIET} ${QUIET})` });
  const box = { viewBox: `0 0 ${whole} ${whole}`, width: 6 * whole, height: 6 * whole };
  return draw("svg", { class: "chatkit-code", role: "img", "aria-label": "QR code", ...box }, white, black);
}

/** The address of this very page's Jupyter server, where it says so (JupyterLab, Notebook 7). */
function jupyterAddress() {
  const config = document.getElementById("jupyter-config-data");
  return config && new URL(JSON.parse(config.textContent).baseUrl, location.href);
}

/** The way through the Jupyter server, where it passes ports on; null where it does not. */
async function throughJupyter({ words, path }) {
  const base = jupyterAddress();
  const address = base && new URL(path, base);
  if (!address || !(await answers(address))) return null;
  return make("div", "chatkit-way chatkit-proxied", {}, words, link(address.href));
}

async function answers(address) {
  try {
    const response = await fetch(address, { cache: "no-store" });
    return response.ok && new URL(response.url).pathname === address.pathname; // not sent on to a page for signing in
  } catch {
    return false;
  }
}

const way = ({ words, links }) => make("div", "chatkit-way", {}, ...words, ...links.map(link));

async function lay(card, { code, ways, proxied }) {
  const text = make("div", "chatkit-ways", {}, ...ways.map(way));
  card.replaceChildren(...(code ? [picture(code)] : []), text);
  const detour = await throughJupyter(proxied);
  if (detour) text.append(detour);
}

function render({ model, el }) {
  const view = Math.random().toString(36).slice(2);
  const card = make("div", "chatkit-card");
  const absent = () => fill(card, make("p", "chatkit-dead", {}, model.get("absent")));
  const patience = setTimeout(absent, PATIENCE);
  const unwatch = watchKernel(model, absent); // the server has gone with it
  const ask = () => {
    try {
      model.send({ do: "show", view });
    } catch {
      absent(); // drawn again after its kernel had gone
    }
  };
  model.on("msg:custom", onMessage);
  el.append(card);
  const stopAsking = insist(ask);
  function onMessage(message) {
    if (message.view !== view) return;
    stopAsking();
    clearTimeout(patience);
    lay(card, message);
  }
  return () => {
    stopAsking();
    clearTimeout(patience);
    unwatch();
    model.off("msg:custom", onMessage);
  };
}

export default { render };
