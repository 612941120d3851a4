// What the page asks of its server. A refusal becomes an Error that carries the server's own sentence.

async function ask(method, path, body) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Error("The mock gateways do not answer. Have they been stopped?");
  }
  const said = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said;
}

export const messages = (asked) => ask("GET", `/api/messages?${new URLSearchParams(asked)}`);
export const message = (id) => ask("GET", `/api/messages/${id}`);
export const clear = () => ask("DELETE", "/api/messages");
export const sendReceipt = (id, state) => ask("POST", `/api/messages/${id}/receipt`, { state });
export const refused = (asked) => ask("GET", `/api/refused?${new URLSearchParams(asked)}`);
export const gateways = () => ask("GET", "/api/gateways");
export const addFault = (kind, rule) => ask("POST", `/api/gateways/${kind}/faults`, { rule });
export const removeFault = (kind, id) => ask("DELETE", `/api/gateways/${kind}/faults/${id}`);
export const clearFaults = (kind) => ask("DELETE", `/api/gateways/${kind}/faults`);

// Call listeners[kind](data) for every event; `gone` while the server cannot be reached.
export function listen(listeners) {
  const source = new EventSource("/api/events");
  for (const kind of ["ready", "message", "refused", "clear", "lost", "faults"]) {
    source.addEventListener(kind, (event) => listeners[kind](JSON.parse(event.data)));
  }
  source.addEventListener("error", () => {
    listeners.gone();
    // A browser tries again by itself, unless the answer was an error.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(listeners), 2000);
  });
}
