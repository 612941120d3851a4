// The list of messages, newest first: only the visible rows exist, and older messages are fetched when they are reached.

import * as api from "./api.js";
import { byId, clock, copyButton, counted, element, tell, visible } from "./dom.js";

const ROW = 68; // pixels; the style sheet says the same
const SPARE = 6; // rows above and below the visible ones
const BLOCK = 500; // messages in one answer
const MOST = 20000; // the inbox keeps no more

export class MessageList {
  constructor(open) {
    this.open = open;
    this.scroller = byId("scroller");
    this.rows = byId("rows");
    this.oldestFirst = []; // the messages that are loaded; the last one is at the top of the list
    this.found = 0;
    this.filter = {};
    this.selected = null; // id
    this.asked = 0;
    this.fetching = false;
    this.scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.scroller);
  }

  get filtered() { return Boolean(this.filter.q || this.filter.gateway); }

  at(index) { return this.oldestFirst[this.oldestFirst.length - 1 - index]; }

  get place() {
    for (let index = 0; index < this.oldestFirst.length; index += 1) {
      if (this.at(index).id === this.selected) return index;
    }
    return -1;
  }

  // Read the list again, from the newest message.
  async load() {
    const turn = ++this.asked;
    try {
      const answer = await api.messages({ ...this.filter, limit: BLOCK });
      if (turn !== this.asked) return; // a later request has been made meanwhile
      // What has come since the server looked is not in its answer.
      const newest = answer.messages[0]?.id ?? answer.mark;
      const since = this.filtered ? [] : this.oldestFirst.filter(({ id }) => id > newest);
      this.oldestFirst = answer.messages.reverse().concat(since);
      this.found = answer.found + since.length;
      this.fetching = false;
      this.draw();
    } catch (error) { tell(error.message, "bad"); }
  }

  async loadOlder() {
    if (this.fetching || !this.oldestFirst.length || this.oldestFirst.length >= this.found) return;
    this.fetching = true;
    const turn = this.asked;
    try {
      const answer = await api.messages({ ...this.filter, limit: BLOCK, before: this.oldestFirst[0].id });
      if (turn !== this.asked) return;
      this.oldestFirst = answer.messages.reverse().concat(this.oldestFirst);
      this.found = answer.messages.length ? answer.found : this.oldestFirst.length;
    } catch (error) { tell(error.message, "bad"); }
    this.fetching = false;
    this.draw();
  }

  arrived(message) {
    const newest = this.at(0);
    if (newest && message.id <= newest.id) return;
    this.oldestFirst.push(message);
    this.found += 1;
    if (this.found > MOST) {
      this.found = MOST;
      this.oldestFirst.splice(0, this.oldestFirst.length - MOST);
    }
    // A reader who has scrolled down stays where they are.
    if (this.scroller.scrollTop > ROW) this.shift = (this.shift || 0) + ROW;
    this.drawSoon();
  }

  emptied() {
    this.asked += 1;
    this.oldestFirst = [];
    this.found = 0;
    this.selected = null;
    this.fetching = false;
    this.draw();
  }

  select(id) {
    this.selected = id;
    this.draw();
  }

  // Move by rows; if nothing is selected, to the first row.
  move(step) {
    if (!this.oldestFirst.length) return;
    const now = this.place;
    const index = Math.max(0, Math.min(this.oldestFirst.length - 1, now < 0 ? 0 : now + step));
    this.selected = this.at(index).id;
    const top = index * ROW;
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop) this.scroller.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.scroller.scrollTop = top + ROW - clientHeight;
    this.draw();
    this.rows.querySelector("[aria-current=true] .open")?.focus({ preventScroll: true });
  }

  drawSoon() {
    if (this.planned) return;
    this.planned = true;
    // A hidden tab draws no frames, so this is a timer.
    setTimeout(() => { this.planned = false; this.draw(); }, 30);
  }

  draw() {
    this.rows.style.height = `${this.found * ROW}px`;
    if (this.shift) {
      this.scroller.scrollTop += this.shift;
      this.shift = 0;
    }
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW) - SPARE);
    const last = Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / ROW) + SPARE;
    if (last >= this.oldestFirst.length) this.loadOlder();
    const focused = document.activeElement?.closest?.("#rows li")?.dataset.id;
    const onCode = document.activeElement?.classList.contains("copy");
    const shown = [];
    for (let index = first; index < Math.min(last, this.oldestFirst.length); index += 1) {
      shown.push(this.row(this.at(index), index));
    }
    this.rows.replaceChildren(...shown);
    if (focused) this.rows.querySelector(`[data-id="${focused}"] ${onCode ? ".copy" : ".open"}`)?.focus({ preventScroll: true });
    this.describe();
  }

  row(message, index) {
    const text = visible(message.text).replace(/\s+/g, " ");
    const made = element("li", { "data-id": message.id, "aria-posinset": index + 1, "aria-setsize": this.found,
      "aria-current": message.id === this.selected ? "true" : false },
      element("button", { type: "button", class: "open", onclick: () => this.open(message.id) },
        element("span", { class: "number" }, visible(message.number)),
        element("span", { class: "gateway", "data-protocol": message.protocol }, message.gateway),
        element("span", { class: "segments" }, counted(message.segments, "segment")),
        element("time", { datetime: new Date(message.received * 1000).toISOString() }, clock(message.received)),
        element("span", { class: "text" }, text || "(empty)")),
      message.code ? copyButton(message.code, `code ${message.code}`, message.code) : null);
    made.style.transform = `translateY(${index * ROW}px)`;
    return made;
  }

  describe() {
    const count = counted(this.found, "message");
    const says = this.filtered ? `${count} found` : count;
    if (byId("count").textContent !== says) byId("count").textContent = says;
    document.title = this.found ? `(${this.found}) SMS inbox` : "SMS inbox";
    byId("empty").hidden = this.found > 0;
    byId("scroller").hidden = this.found === 0;
    byId("clear").disabled = this.found === 0 && !this.filtered;
  }
}
