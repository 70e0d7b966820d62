// The event stream of the service: one connection for the whole page, however many photos it follows
// (a browser opens six to one server). It is open while somebody listens.
const listeners = new Set();
let source = null, closing = 0;
let heard = null;  // null: not known yet; false: the stream is broken

export const is_heard = () => heard;

function tell(kind, value) {
  for (const listener of [...listeners]) listener[kind]?.(value);
}

function open() {
  source = new EventSource("/api/events");
  source.addEventListener("reread", () => { heard = true; tell("reread"); });
  source.addEventListener("job", event => {
    let change;
    try { change = JSON.parse(event.data); } catch { return; }
    tell("job", change);
  });
  source.addEventListener("error", () => {
    heard = false;
    if (source.readyState === EventSource.CLOSED) {  // refused: no browser tries again by itself
      source = null;
      setTimeout(() => { if (!source && listeners.size > 0) open(); }, 2000);
    }
    tell("broken");
  });
}

/** {job, reread, broken}: calls those that are there. Returns how to stop. */
export function listen(listener) {
  listeners.add(listener);
  clearTimeout(closing);
  if (!source) open();
  return () => {
    listeners.delete(listener);
    clearTimeout(closing);
    if (listeners.size > 0) return;
    closing = setTimeout(() => { source?.close(); source = null; heard = null; }, 3000);
  };
}
