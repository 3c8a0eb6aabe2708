/* Questions with numbered choices: a guess, or what is recalled. Click, or press a number while a question has the focus.
   To the kernel: {question, choice}, both from 1 on. Everything that is shown comes in `state`, as text. */

function render({ model, el }) {
  const root = make("section", "chatkit-tool chatkit-choices");
  root.tabIndex = -1;
  let answered = () => {};

  function draw() {
    answered();
    const state = model.get("state");
    const held = [...root.querySelectorAll("button")].indexOf(document.activeElement);
    root.replaceChildren(
      ...(state.title ? [make("p", "chatkit-title", state.title)] : []),
      ...state.questions.map((question, n) => drawQuestion(question, n + 1, state.questions.length > 1)),
      ...(state.how && !state.questions[0].said.length ? [make("p", "chatkit-how", state.how)] : []),
      ...(state.skip && state.questions.some((question) => !question.picked) ? [skip(state.skip)] : []),
    );
    const button = root.querySelectorAll("button")[held];
    (button?.disabled ? root : button)?.focus(); // else a key pressed next would reach nothing
  }

  function drawQuestion({ ask, choices, picked, right, said }, number, numbered) {
    const group = make("fieldset", "chatkit-question");
    group.dataset.question = number;
    group.append(make("legend", "", numbered ? `${number}. ` : "", ask));
    choices.forEach((choice, n) => {
      const key = make("kbd", "", String(n + 1));
      const button = makeButton("chatkit-choice", () => pick(number, n + 1, button), key, make("span", "", choice));
      button.disabled = Boolean(said.length);
      button.setAttribute("aria-pressed", String(picked === n + 1));
      if (said.length && right === n + 1) button.append(make("span", "chatkit-mark", " ✓"));
      if (said.length && picked === n + 1 && right !== n + 1) button.append(make("span", "chatkit-mark", " ✗"));
      group.append(button);
    });
    const status = make("div", "chatkit-said");
    status.setAttribute("role", "status");
    status.append(...said.map((each) => make("p", "", each)));
    group.append(status);
    return group;
  }

  function pick(question, choice, button) {
    if (button.getAttribute("aria-pressed") === "true") return; // a double click: the kernel would have no news to answer
    for (const other of button.parentElement.querySelectorAll("button")) other.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-pressed", "true"); // seen at once; the kernel may be busy
    answered = tell(model, { question, choice }, button.parentElement.querySelector(".chatkit-said"));
  }

  function skip(words) {
    return makeButton("chatkit-skip", () => root.classList.add("chatkit-skipped"), words);
  }

  keepKeys(root);
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const group = event.target.closest(".chatkit-question") ?? root.querySelector(".chatkit-question");
    const button = /^[1-9]$/.test(event.key) && group?.querySelectorAll(".chatkit-choice")[Number(event.key) - 1];
    if (button && !button.disabled) {
      button.focus();
      button.click();
    }
  });
  draw();
  return place(model, el, root, draw);
}

export default { render };
