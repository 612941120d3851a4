// The gateways: their state in the strip below the title; faults, addresses and configuration in a dialog.

import * as api from "./api.js";
import { byId, copyButton, element, show, tell } from "./dom.js";

const READY_MADE = ["throttle", "unavailable", "refuse", "hang", "mute", "delay 2s", "reset-before", "reset-after",
  "half", "garbage", "lose", "duplicate", "receipt-ids decimal", "certificate expired", "certificate wrong-name"];

export class Gateways {
  constructor(filter) {
    this.filter = filter;
    this.all = [];
    this.buttons = new Map(); // of the strip, by gateway
    this.rows = new Map(); // of rules: for each gateway a Map
    this.dialog = byId("gateways");
    byId("gateways-close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("click", (event) => { if (event.target === this.dialog) this.dialog.close(); });
  }

  async load() {
    try {
      const answer = await api.gateways();
      this.all = answer.gateways;
      // After a lost connection they are mostly the same, and somebody may be typing a rule.
      const described = JSON.stringify(this.all.map(({ faults, ...rest }) => rest));
      if (described !== this.described) {
        this.described = described;
        this.fillFilter();
        this.drawCards();
        this.drawHint(answer.toml);
      }
      this.drawStates();
      this.all.forEach((gateway) => this.drawRules(gateway));
    } catch (error) { tell(error.message, "bad"); }
  }

  changed(faults) {
    for (const gateway of this.all) gateway.faults = faults[gateway.kind] ?? [];
    this.drawStates();
    this.all.forEach((gateway) => this.drawRules(gateway));
  }

  fillFilter() {
    const chosen = this.filter.value;
    const names = this.all.flatMap((gateway) => gateway.names);
    this.filter.replaceChildren(element("option", { value: "" }, "All gateways"),
      ...names.map((name) => element("option", { value: name }, name)));
    this.filter.value = names.includes(chosen) ? chosen : "";
  }

  // What a gateway is doing wrong now, in a few words; empty when it has no fault.
  trouble(gateway) {
    const rules = gateway.faults.map((rule) => rule.rule);
    return rules.length > 1 ? `${rules[0]} and ${rules.length - 1} more` : rules[0] ?? "";
  }

  drawStates() {
    show(byId("states"), this.all.map((gateway) => {
      const trouble = this.trouble(gateway);
      const button = this.buttons.get(gateway.kind) ?? element("button", { type: "button", class: "state", "data-kind": gateway.kind,
        "aria-haspopup": "dialog", onclick: () => this.show(gateway.kind) }, element("b", {}, gateway.kind), element("span"));
      this.buttons.set(gateway.kind, button);
      button.dataset.state = trouble ? "faulty" : "well";
      button.setAttribute("aria-label", `${gateway.kind}: ${trouble || "working"}. Change`);
      button.querySelector("span").textContent = trouble || "working";
      return button;
    }));
  }

  show(kind) {
    if (!this.dialog.open) this.dialog.showModal();
    const card = byId(`card-${kind}`);
    card.scrollIntoView({ block: "nearest" });
    card.querySelector("select").focus({ preventScroll: true });
  }

  drawCards() {
    byId("gateway-cards").replaceChildren(...this.all.map((gateway) => this.card(gateway)));
  }

  card(gateway) {
    const { kind } = gateway;
    const ready = element("select", { "aria-label": `Fault of ${kind}`, onchange: (event) => {
      const rule = event.target.value;
      event.target.value = "";
      if (rule) this.act(() => api.addFault(kind, rule), `${kind}: ${rule}`);
    } }, element("option", { value: "" }, "Switch a fault on …"),
    ...READY_MADE.filter((rule) => this.meaning(gateway, rule)).map((rule) => element("option", { value: rule, title: this.meaning(gateway, rule) }, rule)));
    const own = element("input", { "aria-label": `Rule for ${kind}`, placeholder: "or a rule: throttle 3 times", autocomplete: "off", spellcheck: "false" });
    const add = async (event) => {
      event.preventDefault();
      if (own.value.trim() && await this.act(() => api.addFault(kind, own.value), `${kind}: ${own.value}`)) own.value = "";
    };
    return element("section", { class: "card", id: `card-${kind}`, "aria-label": kind },
      element("div", { class: "card-head" }, element("h3", {}, kind), element("span", { class: "badge" }),
        element("button", { type: "button", class: "well", onclick: () => this.act(() => api.clearFaults(kind), `${kind} has no faults now`) }, "Switch faults off")),
      element("p", { class: "address" }, element("code", {}, gateway.address), copyButton(gateway.address, `address of ${kind}`)),
      element("form", { class: "switch", onsubmit: add }, ready, own, element("button", {}, "Add")),
      element("ul", { class: "rules" }),
      element("details", {},
        element("summary", {}, "Configuration to paste"), copyButton(gateway.toml, `configuration of ${kind}`),
        element("pre", { tabindex: "0", "aria-label": `Configuration of ${kind}` }, gateway.toml)));
  }

  meaning(gateway, rule) {
    return gateway.actions.find(({ action }) => action === rule.split(" ")[0])?.meaning ?? "";
  }

  drawRules(gateway) {
    const card = byId(`card-${gateway.kind}`);
    if (!card) return;
    const trouble = this.trouble(gateway);
    card.dataset.state = trouble ? "faulty" : "well";
    card.querySelector(".badge").textContent = trouble ? "faulty" : "working";
    card.querySelector(".well").disabled = !gateway.faults.length;
    const place = card.querySelector(".rules");
    const before = this.rows.get(gateway.kind);
    const rows = new Map();
    for (const rule of gateway.faults) {
      const key = `${rule.id} ${rule.rule}`;
      const row = before?.get(key) ?? this.makeRow(gateway.kind, rule);
      row.querySelector("span").textContent = `applied: ${rule.taken}`;
      rows.set(key, row);
    }
    this.rows.set(gateway.kind, rows);
    // Whose rule is gone goes on at the next one.
    if (!show(place, rows.values())) {
      (place.querySelector("button") ?? card.querySelector("select")).focus({ preventScroll: true });
    }
  }

  makeRow(kind, { id, rule }) {
    return element("li", {}, element("code", {}, rule), element("span"),
      element("button", { type: "button", "aria-label": `Remove ${rule} from ${kind}`,
        onclick: () => this.act(() => api.removeFault(kind, id), "Rule removed") }, "Remove"));
  }

  // Do it, and show the result; the event stream informs other pages.
  async act(change, says) {
    try {
      await change();
      tell(says);
      const { gateways } = await api.gateways();
      this.changed(Object.fromEntries(gateways.map((gateway) => [gateway.kind, gateway.faults])));
      return true;
    } catch (error) {
      tell(error.message, "bad");
      return false;
    }
  }

  drawHint(toml) {
    byId("empty").replaceChildren(
      element("h2", {}, "No messages yet"),
      element("p", {}, "Whatever is sent to these gateways appears here at once."),
      element("dl", {}, ...this.all.flatMap((gateway) => [element("dt", {}, gateway.kind),
        element("dd", {}, element("code", {}, gateway.address))])),
      this.all.length ? copyButton(toml, "configuration of all gateways", "Copy the configuration of all") : null);
  }
}
