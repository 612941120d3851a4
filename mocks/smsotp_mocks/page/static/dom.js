// Building elements. Texts only ever become text nodes, so that nothing in an SMS is taken for markup.

export const byId = (id) => document.getElementById(id);

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, String(value));
  }
  made.append(...children.filter((child) => child !== null).map((child) => child?.nodeType ? child : String(child)));
  return made;
}

let forgetting;

// Show a short notice that goes away by itself; screen readers read it, too.
export function tell(text, kind = "good") {
  const told = byId("told");
  told.textContent = text;
  told.dataset.kind = kind;
  // Above an open dialog too, if the browser can do that.
  if (told.showPopover) {
    if (told.matches(":popover-open")) told.hidePopover();
    told.showPopover();
  }
  told.classList.add("shown");
  clearTimeout(forgetting);
  forgetting = setTimeout(() => told.classList.remove("shown"), kind === "bad" ? 8000 : 2500);
}

// Browsers hide the clipboard from pages that another machine serves without TLS; what is selected can still be copied.
function copySelected(text) {
  const from = document.activeElement;
  const area = element("textarea", { class: "unseen", "aria-hidden": "true" });
  area.value = text;
  // Nothing outside an open dialog can be selected.
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  from?.focus({ preventScroll: true });
  return copied;
}

export async function copy(text, what) {
  const copied = await navigator.clipboard?.writeText(text).then(() => true, () => false);
  if (copied || copySelected(text)) tell(`${what} copied`);
  else tell("The browser does not let this page copy.", "bad");
}

// Show these elements in a place. One that stays keeps the focus, which a browser takes from all that it moves.
export function show(place, elements) {
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  place.replaceChildren(...elements);
  if (focused?.isConnected) focused.focus({ preventScroll: true });
  return focused === null || focused.isConnected;
}

// Return a function that has `work` done soon: after a pause, once for all calls until then, and never twice at a time.
export function soon(work, pause) {
  let wanted = false;
  let working = false;
  return async () => {
    wanted = true;
    if (working) return;
    working = true;
    while (wanted) {
      await new Promise((done) => { setTimeout(done, pause); });
      wanted = false;
      await work();
    }
    working = false;
  };
}

export const copyButton = (text, what, label = "Copy") =>
  element("button", { type: "button", class: "copy", "aria-label": `Copy ${what}`, onclick: (event) => {
    event.stopPropagation();
    copy(text, what[0].toUpperCase() + what.slice(1));
  } }, label);

// Control characters and marks that change the direction of writing would hide what was really received.
export const visible = (text) => text.replace(
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
  (character) => (character === "\r" ? "" : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`),
);

export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });
// A number and the noun that goes with it, in the plural where that is right.
export const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
