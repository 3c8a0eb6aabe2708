/* The connection that comes back: a browser's WebSocket that carries one Memory.

   It decides only when: when to connect, when to call a silent line dead, when to send again. What anything means is
   the memory's affair; what happened is told to `onEvent`, and each change of `state` to `onState`. */

const CONNECT_MS = 10_000;
const SILENCE_MS = 45_000; // three beats missed: nobody is there
const ANSWER_MS = 8_000; // something of ours is on its way, and nobody says anything to it
const BEAT_MS = 17_000; // one beat, and a little patience
const STEADY_MS = 10_000; // a connection that held so long: the next trouble is a new one

/** Milliseconds before the next try: random at first, so that a class does not come back as one wave. */
function backoff(tries) {
  if (tries === 0) return Math.random() * 1000;
  return Math.min(15_000, 1000 * 1.6 ** tries) * (0.7 + 0.6 * Math.random());
}

export class Line {
  state = "start"; // start, connecting, open, reconnecting, closed
  retryAt = 0; // when the next try is, in milliseconds like Date.now()

  socket = null;
  tries = 0;
  openedAt = Infinity;
  heardAt = 0;

  constructor(address, memory, { onEvent, onState }) {
    Object.assign(this, { address, memory, onEvent, onState });
  }

  connect() {
    this.hangUp(); // never two sockets at once
    this.enter("connecting");
    this.socket = new WebSocket(this.address, "chatkit.v1");
    this.socket.onopen = () => this.transmit(this.memory.hello());
    this.socket.onmessage = ({ data }) => this.hear(data);
    this.socket.onclose = ({ code }) => this.tell(this.memory.dropped(code));
    this.expectFrame(CONNECT_MS);
  }

  /** Anything that came is a sign of life. */
  hear(data) {
    this.heardAt = Date.now();
    this.expectFrame(SILENCE_MS);
    const wasBehind = this.memory.isBehind;
    this.tell(this.memory.hear(JSON.parse(data)));
    if (wasBehind || this.memory.inFlight === undefined) this.expectAnswer(); // an answer has to queue behind a replay
    this.flow();
  }

  tell(events) {
    for (const event of events) {
      if (event.type === "again") this.retry();
      else if (event.type === "over") this.close();
      else if (event.type === "pause") this.pause(event.ms);
      else if (event.type === "welcomed") this.welcomed();
      this.onEvent(event);
    }
  }

  welcomed() {
    this.openedAt = Date.now();
    this.enter("open");
  }

  send(text) {
    this.memory.write(text);
    this.flow();
  }

  /** What may go out, goes out. */
  flow() {
    const message = this.memory.next();
    if (!message) return;
    this.transmit(message);
    this.expectAnswer();
  }

  transmit(message) {
    this.socket.send(JSON.stringify(message));
  }

  pause(milliseconds) {
    this.pausing = setTimeout(() => {
      this.memory.waited();
      this.flow();
    }, milliseconds);
  }

  expectFrame(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.retry(), milliseconds);
  }

  /** A server that is frozen, or Wi-Fi that is gone, closes nothing: only the missing answer tells. */
  expectAnswer() {
    clearTimeout(this.answering);
    if (this.memory.inFlight !== undefined) this.answering = setTimeout(() => this.retry(), ANSWER_MS);
  }

  /** Connect again, in a while. */
  retry() {
    if (Date.now() - this.openedAt > STEADY_MS) this.tries = 0;
    this.hangUp();
    const wait = backoff(this.tries);
    this.tries += 1;
    this.retryAt = Date.now() + wait;
    this.timer = setTimeout(() => this.connect(), wait);
    this.enter("reconnecting");
  }

  /** The reader looks at the page again: timers of a hidden page may be minutes late, so ask the clock. */
  lookedAt() {
    const isStale = this.state === "open" && Date.now() - this.heardAt > BEAT_MS;
    if (isStale || this.state === "reconnecting") this.connect();
  }

  /** The device has no network any more: no use in waiting until the silence is long enough. */
  offline() {
    if (this.isWanted) this.retry();
  }

  /** The device has a network again: what was open belongs to the old one. */
  online() {
    if (this.isWanted) this.connect();
  }

  get isWanted() {
    return this.state !== "start" && this.state !== "closed";
  }

  /** For good, until somebody connects again. */
  close() {
    this.hangUp();
    this.enter("closed");
  }

  hangUp() {
    for (const timer of [this.timer, this.answering, this.pausing]) clearTimeout(timer);
    this.memory.hangUp();
    this.openedAt = Infinity;
    if (!this.socket) return;
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
    this.socket = null;
  }

  enter(state) {
    this.state = state;
    this.onState(state);
  }
}
