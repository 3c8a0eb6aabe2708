/* A program with holes in it. To the kernel: {values}, and {values, check: true}. */

function render({ model, el }) {
  const root = make("section", "chatkit-tool chatkit-gaps");
  let answered = () => {};

  function draw() {
    answered();
    const state = model.get("state");
    const held = [...root.querySelectorAll("input")].indexOf(document.activeElement);
    const program = make("pre", "chatkit-program", state.parts[0]);
    for (const [n, value] of state.values.entries())
      program.append(hole(value, n + 1, state.width), state.parts[n + 1]);
    root.replaceChildren(make("p", "chatkit-how", state.how), program, ...drawChecked(state, check));
    root.querySelectorAll("input")[held]?.focus();
  }

  function hole(value, number, width) {
    const input = make("input", "chatkit-hole");
    Object.assign(input, { value, type: "text", autocapitalize: "off", autocomplete: "off", spellcheck: false });
    input.setAttribute("aria-label", String(number));
    input.placeholder = String(number);
    input.style.width = `${width}ch`;
    input.onchange = () => model.send({ values: values() });
    input.onkeydown = (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      const next = root.querySelectorAll("input")[number];
      if (next) next.focus();
      else check();
    };
    return input;
  }

  const values = () => [...root.querySelectorAll("input")].map((input) => input.value);

  function check() {
    answered = tell(model, { values: values(), check: true }, root.querySelector(".chatkit-said"));
  }

  keepKeys(root);
  draw();
  return place(model, el, root, draw);
}

export default { render };
