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

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Browsers hide the clipboard from pages that another machine serves without TLS.
    const area = element("textarea", { class: "unseen", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  tell(`${what} copied`);
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
