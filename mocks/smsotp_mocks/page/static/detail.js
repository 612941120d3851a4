// One message in full, with the form in which it came over the wire.

import * as api from "./api.js";
import { byId, copyButton, counted, element, tell, visible } from "./dom.js";

const STATES = ["DELIVRD", "UNDELIV", "EXPIRED", "REJECTD", "DELETED", "ENROUTE", "ACCEPTD", "UNKNOWN"];
const DATA_CODINGS = { 0: "default alphabet", 1: "ASCII", 3: "Latin-1", 4: "binary", 8: "UCS-2" };
const TYPES_OF_NUMBER = ["unknown", "international", "national", "network specific", "subscriber", "alphanumeric"];

const facts = (pairs) => element("dl", {}, ...pairs.flatMap(([name, value]) =>
  [element("dt", {}, name), element("dd", {}, visible(String(value)))]));
const block = (title, text) => element("div", { class: "block" },
  element("div", { class: "block-head" }, element("h4", {}, title), copyButton(text, title.toLowerCase())),
  element("pre", { tabindex: "0", "aria-label": title }, visible(text)));

function parametersOf(request) {
  const [, query = ""] = request.target.split("?");
  const type = request.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "";
  const body = type.startsWith("application/x-www-form-urlencoded") ? request.body : "";
  return [...new URLSearchParams(query), ...new URLSearchParams(body)];
}

function requestText(request) {
  const headers = request.headers.map(([name, value]) => `${name}: ${value}`).join("\n");
  return `${request.method} ${request.target} HTTP/1.1\n${headers}\n${request.body ? `\n${request.body}` : ""}`;
}

function httpParts({ request }) {
  const parameters = parametersOf(request);
  return [parameters.length ? element("h4", {}, "Parameters") : null, parameters.length ? facts(parameters) : null,
    block("HTTP request", requestText(request))];
}

function sipgateParts({ request }) {
  return [block("XML-RPC call", request.body), block("HTTP request", requestText({ ...request, body: "" }))];
}

function smtpParts(wire) {
  const envelope = [["MAIL FROM", wire.mail_from], ...wire.recipients.map((address) => ["RCPT TO", address]),
    ["Subject", wire.subject], ["Log-in", wire.user || "none"], ["TLS", wire.tls ? "yes" : "no"]];
  return [element("h4", {}, "Envelope"), facts(envelope), block("Mail source", wire.source)];
}

function meaningOf(name, value) {
  if (name === "data_coding") return DATA_CODINGS[value];
  if (name.endsWith("_ton")) return TYPES_OF_NUMBER[value];
  if (name === "registered_delivery") return ["no receipt", "receipt wanted", "receipt on failure"][value & 3];
  if (name === "esm_class") return value & 0x40 ? "with user data header" : null;
  return null;
}

function fieldText(name, value) {
  if (value === "" || value === null) return "(empty)";
  if (typeof value === "object") return Object.entries(value).map(([key, it]) => `${key} = ${it}`).join("\n") || "(none)";
  const meaning = meaningOf(name, value);
  const number = Number.isInteger(value) && value > 9 ? `0x${value.toString(16)}` : value;
  return meaning ? `${number} (${meaning})` : String(number);
}

function smppParts(wire) {
  const parts = wire.parts.flatMap((part, index) => [
    element("h4", {}, wire.parts.length > 1 ? `submit_sm, part ${index + 1} of ${wire.parts.length}` : "submit_sm"),
    facts([["message_id", wire.message_ids[index]], ...Object.entries(part).map(([name, value]) => [name, fieldText(name, value)])]),
  ]);
  return [facts([["system_id", wire.system_id]]), ...parts];
}

const partsOf = { http: httpParts, sipgate: sipgateParts, smtp: smtpParts, smpp: smppParts };

function receiptForm(message) {
  const state = element("select", { "aria-label": "State to report" }, ...STATES.map((it) => element("option", {}, it)));
  const send = async (event) => {
    event.preventDefault();
    try {
      const { message_ids: ids } = await api.sendReceipt(message.id, state.value);
      tell(`${state.value} sent for ${counted(ids.length, "part")}`);
    } catch (error) { tell(error.message, "bad"); }
  };
  return element("form", { class: "receipt", onsubmit: send },
    element("span", {}, "Delivery receipt"), state, element("button", {}, "Send"));
}

export class Detail {
  constructor(closed) {
    this.place = byId("detail");
    this.closed = closed;
    this.id = null;
    this.nothing();
  }

  nothing() {
    this.place.replaceChildren(element("p", { class: "hint" }, "Choose a message to see all of it."),
      element("p", { class: "hint keys" }, element("kbd", {}, "↓"), " ", element("kbd", {}, "↑"), " move   ",
        element("kbd", {}, "Enter"), " open   ", element("kbd", {}, "c"), " copy code   ",
        element("kbd", {}, "/"), " search   ", element("kbd", {}, "Esc"), " back"));
  }

  async show(id) {
    this.id = id;
    try {
      const message = await api.message(id);
      if (this.id !== id) return;
      this.code = message.code;
      document.body.classList.add("reading");
      this.place.replaceChildren(...this.parts(message).filter(Boolean));
      this.place.scrollTop = 0;
      this.place.focus({ preventScroll: true });
    } catch (error) { tell(error.message, "bad"); }
  }

  parts(message) {
    const received = new Date(message.received * 1000);
    return [
      element("div", { class: "detail-head" },
        element("button", { type: "button", class: "back", onclick: () => this.close() }, "Back"),
        element("h2", {}, visible(message.number)),
        element("time", { datetime: received.toISOString() }, received.toLocaleString([], { hour12: false }))),
      message.code ? element("div", { class: "big-code" }, element("output", { "aria-label": "Code" }, message.code),
        copyButton(message.code, "code", "Copy code")) : null,
      element("p", { class: "sms", dir: "auto" }, visible(message.text) || "(empty)"),
      facts([["Gateway", message.gateway], ["Protocol", message.protocol], ["Number as written", message.written_number],
        ["Length", `${counted([...message.text].length, "character")}, ${counted(message.segments, "segment")}`], ["Message", `#${message.id}`]]),
      message.protocol === "smpp" ? receiptForm(message) : null,
      element("div", { class: "wire-head" }, element("h3", {}, "On the wire"),
        copyButton(JSON.stringify(message.wire, null, 2), "wire form as JSON", "Copy as JSON")),
      ...partsOf[message.protocol](message.wire),
    ];
  }

  close() {
    if (this.id === null) return false;
    this.id = null;
    this.code = "";
    document.body.classList.remove("reading");
    this.nothing();
    this.closed();
    return true;
  }
}
