// What the gateways refused: the number is shown next to the count of messages, the requests and reasons in a dialog.

import * as api from "./api.js";
import { byId, clock, element, show, soon, tell, visible } from "./dom.js";

const SHOWN = 100; // the newest

export class Refusals {
  constructor() {
    this.dialog = byId("refusals");
    this.rows = new Map(); // by entry, so that one which is being read stays as it is
    this.loadSoon = soon(() => this.load(), 60);
    this.button = byId("refused");
    this.button.addEventListener("click", () => this.dialog.showModal());
    byId("refusals-close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("click", (event) => { if (event.target === this.dialog) this.dialog.close(); });
  }

  async load() {
    try {
      const { refused, found } = await api.refused({ limit: SHOWN });
      this.button.hidden = !found;
      this.button.textContent = `${found.toLocaleString("en")} refused`;
      this.rows = new Map(refused.map((entry) => [JSON.stringify(entry), entry])
        .map(([key, entry]) => [key, this.rows.get(key) ?? this.row(entry)]));
      show(byId("refusal-list"), this.rows.values());
    } catch (error) { tell(error.message, "bad"); }
  }

  row(entry) {
    return element("li", { class: "card" },
      element("div", { class: "card-head" }, element("span", { class: "gateway" }, entry.gateway),
        element("time", { datetime: new Date(entry.received * 1000).toISOString() }, clock(entry.received))),
      element("p", { class: "reason" }, visible(entry.reason)),
      entry.answer && entry.answer !== entry.reason
        ? element("p", { class: "answer" }, "Answered: ", element("code", {}, visible(entry.answer.trim()))) : null,
      Object.keys(entry.wire).length
        ? element("details", {}, element("summary", {}, "What was received"),
          element("pre", { tabindex: "0", "aria-label": "What was received" }, visible(JSON.stringify(entry.wire, null, 2)))) : null);
  }
}
