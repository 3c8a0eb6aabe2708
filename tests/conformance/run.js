/* Runs the scenarios of client.json against the page's half without a socket (chatkit/web/chat.js).
   README.md says what each word means. */

/** The message or text that a scenario means: `like`, `times` and `$A` spelt out. */
function spelt(value, script, ids) {
  if (typeof value === "string") return value in ids ? ids[value] : value;
  if (Array.isArray(value)) return value.map((each) => spelt(each, script, ids));
  if (value === null || typeof value !== "object") return value;
  if ("times" in value) return value.text.repeat(value.times);
  const { like, ...fields } = value;
  const own = Object.entries(fields).map(([key, each]) => [spelt(key, script, ids), spelt(each, script, ids)]);
  return { ...(like ? spelt(script.messages[like], script, ids) : {}), ...Object.fromEntries(own) };
}

/** The parts of `actual` that `expected` speaks of. */
function part(actual, expected) {
  if (Array.isArray(actual) && Array.isArray(expected)) return actual.map((each, n) => part(each, expected[n]));
  const areObjects = [actual, expected].every((each) => each !== null && typeof each === "object");
  if (!areObjects || Array.isArray(actual)) return actual;
  return Object.fromEntries(Object.keys(expected).map((key) => [key, part(actual[key], expected[key])]));
}

const SHOWN = ["msg", "notice", "joined", "left", "renamed", "reset"];
const SETTLED = ["acked", "refused"];

class Runner {
  state = "start";

  constructor(memory) {
    this.memory = memory;
  }

  /** Do one step; returns what followed, in the words of the scenario. */
  step(step, ids) {
    const { memory } = this;
    const followed = { send: [], show: [], settled: [], line: "up" };
    const events = [];
    if ("open" in step) {
      followed.send.push(memory.hello());
      this.state = "connecting";
    } else if ("hear" in step) {
      events.push(...memory.hear(step.hear));
    } else if ("drop" in step) {
      events.push(...memory.dropped(step.drop));
    } else if ("waited" in step) {
      memory.waited();
    } else {
      const objection = memory.objection(step.write);
      if (objection) followed.refused = objection.code;
      else ids[`$${step.as}`] = memory.write(step.write);
    }
    for (const event of events) this.note(event, followed);
    const next = memory.next();
    if (next) followed.send.push(next);
    return JSON.parse(JSON.stringify(followed));
  }

  note(event, followed) {
    if (SHOWN.includes(event.type)) followed.show.push(event);
    if (SETTLED.includes(event.type)) followed.settled.push(event);
    if (event.type === "pause") followed.pause_ms = event.ms;
    if (event.type === "welcomed") this.state = "open";
    if (event.type === "again") Object.assign(followed, { line: "again" });
    if (event.type === "over") Object.assign(followed, { line: "over", reason: event.reason });
    if (followed.line === "up") return;
    this.state = followed.line === "again" ? "reconnecting" : "closed";
    this.memory.hangUp();
  }

  get knows() {
    const { you, name, room, count, last = null, members, outbox } = this.memory;
    const names = Object.fromEntries(Array.from(members, ([id, who]) => [id, who.name]));
    return { state: this.state, you, name, room, count, last, members: names, outbox: outbox.map(({ id }) => id) };
  }
}

/** What a scenario expects of one step, with what is missing spelt out. */
function expectation(step) {
  const { open, hear, write, as, waited, drop, ...words } = step;
  return { send: [], show: [], settled: [], line: "up", ...words };
}

function same(actual, expected) {
  const sorted = (value) =>
    JSON.stringify(value, (_, each) =>
      each !== null && typeof each === "object" && !Array.isArray(each)
        ? Object.fromEntries(Object.entries(each).sort())
        : each,
    );
  return sorted(actual) === sorted(expected);
}

/** Every scenario with a client of its own; returns a line for each step that went otherwise. */
export function run(Memory, script) {
  const wrong = [];
  for (const { name, client, steps } of script.scenarios) {
    const runner = new Runner(new Memory({ name: client.name, token: client.token, last: client.after }));
    const ids = {};
    for (const [n, step] of steps.entries()) {
      const actual = runner.step(spelt(step, script, ids), ids);
      const { then = {}, ...expected } = spelt(expectation(step), script, ids);
      for (const word of ["show", "settled"]) actual[word] = part(actual[word], expected[word]);
      const knows = Object.fromEntries(Object.keys(then).map((key) => [key, runner.knows[key]]));
      if (same([actual, knows], [expected, then])) continue;
      wrong.push(`${name}, step ${n + 1}: ${JSON.stringify({ ...actual, now: knows }).slice(0, 500)}`);
    }
  }
  return wrong;
}
