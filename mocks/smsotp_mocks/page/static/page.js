// The inbox page: ties the list, one message, the gateways, the events and the keyboard together.

import * as api from "./api.js";
import { byId, copy, soon, tell } from "./dom.js";
import { Detail } from "./detail.js";
import { Gateways } from "./gateways.js";
import { MessageList } from "./list.js";
import { Refusals } from "./refusals.js";

const search = byId("search");
const filter = byId("filter");
const list = new MessageList((id) => open(id));
const detail = new Detail(() => list.move(0));
const gateways = new Gateways(filter);
const refusals = new Refusals();
let typed;

function open(id) {
  list.select(id);
  detail.show(id);
}

const PAUSE = 120; // milliseconds

async function look() {
  list.filter = Object.fromEntries([["q", search.value.trim()], ["gateway", filter.value]].filter(([, value]) => value));
  byId("empty").classList.toggle("nothing-found", list.filtered);
  await list.load();
}

// Messages that keep coming must not put the search off.
const lookSoon = soon(look, PAUSE);

function lookWhenTyped() {
  clearTimeout(typed);
  typed = setTimeout(look, PAUSE);
}

function live(state, says) {
  byId("live").dataset.state = state;
  byId("live").textContent = says;
}

api.listen({
  ready: () => { live("live", "live"); list.load(); gateways.load(); refusals.load(); },
  message: (message) => (list.filtered ? lookSoon() : list.arrived(message)),
  refused: () => refusals.loadSoon(),
  clear: () => { list.emptied(); detail.close(); },
  lost: () => { list.load(); refusals.load(); },
  faults: (faults) => gateways.changed(faults),
  gone: () => live("gone", "not connected"),
});

search.addEventListener("input", () => { list.scroller.scrollTop = 0; lookWhenTyped(); });
filter.addEventListener("change", () => { list.scroller.scrollTop = 0; look(); });
byId("clear").addEventListener("click", async () => {
  try {
    await api.clear();
    tell("Inbox cleared");
  } catch (error) { tell(error.message, "bad"); }
});

function escape() {
  if (detail.close()) return;
  if (search.value) {
    search.value = "";
    look();
  }
  search.blur();
}

const PAGE = 8; // rows
const keys = {
  ArrowDown: () => list.move(1),
  ArrowUp: () => list.move(-1),
  j: () => list.move(1),
  k: () => list.move(-1),
  PageDown: () => list.move(PAGE),
  PageUp: () => list.move(-PAGE),
  Home: () => list.move(-Infinity),
  End: () => list.move(Infinity),
  Enter: () => { if (list.selected !== null) open(list.selected); },
  c: () => {
    const code = detail.code || list.at(list.place)?.code;
    if (code) copy(code, `Code ${code}`);
  },
  "/": () => search.select(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") { escape(); return; }
  const { target } = event;
  const typing = target.matches("input, select, textarea");
  if (target === search && event.key === "ArrowDown") search.blur();
  else if (typing) return;
  const inDetail = target.closest("#detail");
  if (inDetail && (event.key === "Enter" || target.matches("pre") || document.body.classList.contains("reading") && innerWidth < 800) && event.key !== "c") return;
  // Enter on another button (copy, clear, a gateway) presses that button.
  if (event.key === "Enter" && target.matches("button:not(.open)")) return;
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
