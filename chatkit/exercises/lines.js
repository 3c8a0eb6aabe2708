/* Lines to put in order. To the kernel: {order: [[number, steps], …]}, and the same with check: true.

   Two lists: the lines there are, and the program. A tap takes a line or gives it back; dragging does it, too, and sets
   place and indentation. Keys: Enter takes and gives back, the arrows move and indent. */

const INDENT = 28; // pixels of one step of indentation
const DRAG = 6; // pixels from which on a press is no tap any more

function render({ model, el }) {
  const root = make("section", "chatkit-tool chatkit-lines");
  let order = model.get("state").order;
  let answered = () => {};

  function draw(focus) {
    answered();
    const state = model.get("state");
    const used = new Set(order.map(([number]) => number));
    const pool = list("chatkit-pool", state.pool);
    for (const n of state.blocks.keys()) if (!used.has(n + 1)) pool.append(block(state, n + 1));
    const program = list("chatkit-program", state.program);
    for (const line of state.given) program.append(make("li", "chatkit-given", make("code", "", line)));
    for (const [number, steps] of order) program.append(block(state, number, steps));
    root.replaceChildren(make("p", "chatkit-how", state.how), pool, program, ...drawChecked(state, check));
    if (focus) root.querySelector(`[data-number="${focus}"]`)?.focus();
  }

  function list(name, label) {
    const ul = make("ul", name);
    ul.setAttribute("aria-label", plain(label));
    ul.append(make("li", "chatkit-label", label));
    return ul;
  }

  /** One line: in the program where it has steps of indentation. */
  function block(state, number, steps) {
    const item = make(
      "li",
      "chatkit-block",
      make("kbd", "", String(number)),
      make("code", "", state.blocks[number - 1]),
    );
    item.tabIndex = 0;
    item.dataset.number = number;
    item.setAttribute("role", "button");
    if (steps !== undefined) item.style.marginLeft = `${steps * INDENT}px`;
    const step = state.steps[number - 1];
    if (Object.keys(step).length) item.append(make("small", "chatkit-step", step));
    item.onkeydown = (event) => press(event, number);
    item.onpointerdown = (event) => hold(event, item, number);
    if (steps !== undefined) {
      item.append(
        makeButton("chatkit-indent", (event) => indent(event, number, -1), "⇤"),
        makeButton("chatkit-indent", (event) => indent(event, number, 1), "⇥"),
      );
    }
    return item;
  }

  const at = (number) => order.findIndex(([each]) => each === number);

  function change(next, focus) {
    order = next;
    draw(focus);
    model.send({ order });
  }

  function toggle(number) {
    const place = at(number);
    const steps = order.length ? order.at(-1)[1] : 0;
    change(place < 0 ? [...order, [number, steps]] : order.toSpliced(place, 1), number);
  }

  function indent(event, number, by) {
    event.stopPropagation();
    change(
      order.map(([each, steps]) => [each, each === number ? Math.max(0, steps + by) : steps]),
      number,
    );
  }

  function move(number, by) {
    const place = at(number);
    const to = place + by;
    if (place < 0 || to < 0 || to >= order.length) return;
    const next = order.toSpliced(place, 1);
    next.splice(to, 0, order[place]);
    change(next, number);
  }

  function press(event, number) {
    if (event.target.closest("button")) return;
    const keys = {
      Enter: () => toggle(number),
      " ": () => toggle(number),
      ArrowUp: () => move(number, -1),
      ArrowDown: () => move(number, 1),
      ArrowLeft: () => at(number) >= 0 && indent(event, number, -1),
      ArrowRight: () => at(number) >= 0 && indent(event, number, 1),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }

  /** A press that moves drags the line; one that does not is a tap. */
  function hold(event, item, number) {
    if (event.button || event.target.closest("button")) return;
    const start = { x: event.clientX, y: event.clientY };
    const steps = at(number) < 0 ? 0 : order[at(number)][1];
    let dragging = false;
    item.setPointerCapture(event.pointerId);
    item.onpointermove = ({ clientX, clientY }) => {
      dragging ||= Math.hypot(clientX - start.x, clientY - start.y) > DRAG;
      if (!dragging) return;
      item.classList.add("chatkit-dragged");
      item.style.transform = `translate(${clientX - start.x}px, ${clientY - start.y}px)`;
    };
    item.onpointerup = ({ clientX, clientY }) => {
      item.onpointermove = item.onpointerup = null;
      if (!dragging) toggle(number);
      else drop(number, steps, { x: clientX, y: clientY }, clientX - start.x);
    };
    item.onpointercancel = () => draw(number);
  }

  /** Where a line was let go: above, in or below the program, or back among the others. */
  function drop(number, steps, point, moved) {
    const rest = order.filter(([each]) => each !== number);
    const program = root.querySelector(".chatkit-program").getBoundingClientRect();
    const inside =
      point.x > program.left && point.x < program.right && point.y > program.top && point.y < program.bottom;
    if (!inside) return change(rest, number);
    const middles = rest.map(([each]) => {
      const box = root.querySelector(`[data-number="${each}"]`).getBoundingClientRect();
      return box.top + box.height / 2;
    });
    const place = middles.filter((middle) => middle < point.y).length;
    const wanted = at(number) < 0 ? (rest[place - 1]?.[1] ?? 0) : steps + Math.round(moved / INDENT);
    change(rest.toSpliced(place, 0, [number, Math.max(0, wanted)]), number);
  }

  function check() {
    answered = tell(model, { order, check: true }, root.querySelector(".chatkit-said"));
  }

  function heard() {
    const fresh = model.get("state");
    order = fresh.order;
    draw(document.activeElement?.dataset?.number);
  }

  keepKeys(root);
  draw();
  return place(model, el, root, heard);
}

export default { render };
