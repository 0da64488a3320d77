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
