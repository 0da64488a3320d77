// What the pages do with scripts. Without them everything can still be read and done; times are then in UTC.

const stored = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
const store = (name, value) => { try { localStorage.setItem(name, value); } catch { /* It is not remembered. */ } };
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;

// Shows every time in the zone of the reader, or in UTC. The other one is in its title.
const show = (utc) => {
  const timeZone = utc ? "UTC" : here;
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone });
  const clock = (digits) => new Intl.DateTimeFormat("en-GB",
    { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: digits, hourCycle: "h23", timeZone });
  let before;
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.valueOf())) continue;
    const parts = { day: day.format(at), clock: clock(time.dataset.digits === "3" ? 3 : undefined).format(at), zone: utc ? " UTC" : "" };
    for (const [name, text] of Object.entries(parts)) {
      const part = time.querySelector(`.${name}`);
      if (part) part.textContent = text;
    }
    time.title = utc ? `${day.format(at)}, UTC` : time.dateTime;
    if (time.matches(".when")) {
      time.classList.toggle("again", before === parts.day);
      before = parts.day;
    }
  }
};

customElements.define("zone-switch", class extends HTMLElement {
  connectedCallback() {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link-button";
    const apply = (utc) => {
      button.textContent = utc ? "Times in UTC" : `Times in ${here.replaceAll("_", " ")}`;
      button.setAttribute("aria-pressed", String(utc));
      button.title = utc ? `Show times in ${here}` : "Show times in UTC";
      show(utc);
    };
    button.addEventListener("click", () => {
      const utc = stored("zone") !== "utc";
      store("zone", utc ? "utc" : "local");
      apply(utc);
    });
    this.replaceChildren(button);
    apply(stored("zone") === "utc");
  }
});

// A button that copies the text of the element before it.
customElements.define("copy-button", class extends HTMLElement {
  connectedCallback() {
    if (!navigator.clipboard) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(this.previousElementSibling.textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    this.replaceChildren(button);
  }
});

// Counts the messages that are new or have changed since the page was made. Nothing on the page moves: a click shows them. The
// stream continues where it was left, so nothing is missed, whether the connection is lost or the reader pauses it.
const SILENCE = 45_000; // The server says something every 15 s.
const AGAIN = 2_000;
const MOST = 999;
customElements.define("live-bar", class extends HTMLElement {
  #seen = new Set();
  #after = this.dataset.after;
  #paused = false;
  #ended = false;
  #reading;
  #state = document.createElement("span");
  #switch = document.createElement("button");
  #news = document.createElement("a");

  connectedCallback() {
    this.#state.setAttribute("role", "status");
    this.#switch.type = "button";
    this.#switch.addEventListener("click", () => { this.#paused = !this.#paused; this.#settle(); });
    this.#news.className = "button main-button";
    this.#news.href = this.dataset.here;
    this.#news.hidden = true;
    this.replaceChildren(this.#state, this.#switch, this.#news);
    // A browser has few connections to a server, so a page that is not seen gives its connection back.
    document.addEventListener("visibilitychange", () => this.#settle());
    addEventListener("pagehide", () => this.#stop());
    addEventListener("pageshow", () => this.#settle());
    this.#settle();
  }

  #say(state, words) {
    this.className = state;
    if (this.#state.textContent !== words) this.#state.textContent = words;
  }

  #stop() {
    this.#reading?.abort();
    this.#reading = undefined;
  }

  #settle() {
    this.#switch.textContent = this.#paused ? "Resume" : "Pause";
    if (this.#paused) this.#say("paused", "Paused: what is new is not counted");
    if (this.#paused || this.#ended || document.hidden || this.#seen.size > MOST) this.#stop();
    else if (!this.#reading) this.#follow();
  }

  async #follow() {
    const { signal } = this.#reading = new AbortController();
    while (!signal.aborted) {
      try { await this.#read(signal); } catch { /* The connection was lost, or was given back. */ }
      if (signal.aborted) return;
      if (this.#ended) return this.#say("ended", "Not live any more: reload the page to see what is new");
      this.#say("lost", "Connection lost, connecting again");
      await new Promise((done) => setTimeout(done, AGAIN));
    }
  }

  async #read(signal) {
    const answer = await fetch(this.dataset.events, { headers: { "Last-Event-ID": this.#after }, signal });
    if (!answer.ok) {
      this.#ended = answer.status < 500 && answer.status !== 429;
      return;
    }
    this.#say("live", "Live");
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let [rest, id] = ["", this.#after];
    for (;;) {
      const silence = setTimeout(() => reader.cancel(), SILENCE);
      const { done, value } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith("id: ")) id = line.slice(4);
        if (!line.startsWith("data: ")) continue;
        this.#after = id;
        this.#seen.add(JSON.parse(line.slice(6)).correlationId);
      }
      this.#show();
    }
  }

  #show() {
    const count = this.#seen.size;
    this.#news.hidden = count === 0;
    this.#news.textContent = `${count > MOST ? `Over ${MOST}` : count} new or changed`;
    if (count > MOST) this.#stop();
  }
});

// Finds operations and schemas: those that contain every word stay.
customElements.define("reference-search", class extends HTMLElement {
  connectedCallback() {
    const field = this.querySelector("input");
    const parts = [...document.querySelectorAll(".operation, .schema")].map((part) => [part, part.textContent.toLowerCase()]);
    const links = [...document.querySelectorAll(".contents li a")];
    const find = () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const [part, text] of parts) part.hidden = !words.every((word) => text.includes(word));
      for (const link of links) link.parentElement.hidden = document.getElementById(link.hash.slice(1))?.hidden ?? false;
    };
    field.addEventListener("input", find);
    find();
  }
});

// A button that shows the keys.
const showKeys = () => document.getElementById("keys")?.showModal();
customElements.define("keys-button", class extends HTMLElement {
  connectedCallback() {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link-button";
    button.textContent = "Keys";
    button.addEventListener("click", showKeys);
    this.replaceChildren(button);
  }
});

// Keys: / moves to the box, ? shows the keys, and j and k move between the rows of a list.
const isTyping = (target) => target.closest("input, select, textarea, [contenteditable]") !== null;
const move = (by) => {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (rows.length === 0) return;
  const at = rows.indexOf(document.activeElement);
  rows[Math.min(Math.max(at + by, 0), rows.length - 1)].focus();
};
const keys = {
  "/": () => document.getElementById("q")?.focus(),
  "?": showKeys,
  j: () => move(1),
  k: () => move(-1),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
});
