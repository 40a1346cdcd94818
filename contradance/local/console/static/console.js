// Updates a page while it is open. Every page works without it; each value is set as text, never as markup.
"use strict";

(() => {
  const prefix = document.body.dataset.prefix;
  const page = document.body.dataset.page;
  const MOST_LINES = 30;
  const PULSE_MS = 900;
  const REFRESH_MS = 400;

  const all = (selector) => [...document.querySelectorAll(selector)];
  const named = (attribute, name) => all(`[${attribute}]`).filter((one) => one.getAttribute(attribute) === name);
  const eventName = (contract) => contract.slice(contract.lastIndexOf("/") + 1).replace(/ v1$/, "");
  const publishedText = (one) => (one.times > 1 ? `${one.times} × ` : "") + eventName(one.contract);
  const isDone = (record) => record.state === "done";
  const badgeOf = (record) => ({ done: "done", waiting: "waiting" }[record.state] || "dead");
  const made = (tag, text, kind) => {
    const element = document.createElement(tag);
    element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };

  const pulse = (element) => {
    element.classList.remove("pulse");
    void element.getBoundingClientRect();
    element.classList.add("pulse");
    setTimeout(() => element.classList.remove("pulse"), PULSE_MS);
  };

  const pulseEvent = (contract) => named("data-box", contract).forEach(pulse);
  const pulseArrow = (tail, head) =>
    named("data-tail", tail).filter((one) => one.dataset.head === head).forEach(pulse);

  function draw(record) {
    if (record.event) { pulseEvent(record.trigger); pulseArrow(record.trigger, record.function); }
    for (const box of named("data-box", record.function)) {
      pulse(box);
      box.classList.toggle("troubled", !isDone(record));
    }
    for (const event of record.published) { pulseArrow(record.function, event.contract); pulseEvent(event.contract); }
  }

  // The numbers come from the laptop, which counts each event once: the page is read again, and its parts are replaced.
  let refreshing = false;
  let again = false;
  async function refresh() {
    if (refreshing) { again = true; return; }
    refreshing = true;
    await new Promise((done) => setTimeout(done, REFRESH_MS));
    again = false;
    try {
      const answer = await fetch(location.href, { headers: { "x-refresh": "1" } });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of all("[data-refresh]")) {
          const next = fresh.querySelector(`[data-refresh="${part.dataset.refresh}"]`);
          if (next && !part.contains(document.activeElement)) part.replaceChildren(...next.childNodes);
        }
        const counted = fresh.querySelector("[data-counts]");
        const counts = counted ? JSON.parse(counted.dataset.counts) : null;
        if (counts) all(".picture .box").forEach((box) => { box.querySelector(".count").textContent = counts[box.dataset.box] || ""; });
      }
    } catch { /* the laptop is being started again; the stream shows that */ }
    refreshing = false;
    if (again) refresh();
  }

  function log(record) {
    const list = document.querySelector("[data-log]");
    all("[data-quiet]").forEach((hint) => { hint.hidden = true; });
    const line = document.createElement("li");
    const subject = made("a", record.label, "id");
    subject.href = `${prefix}/flows/${encodeURIComponent(record.flow)}`;
    line.append(
      made("time", record.at.slice(11, 19)), " ",
      made("span", `${isDone(record) ? "✓" : "✗"} ${record.outcome}`, `badge ${badgeOf(record)}`), " ",
      made("b", record.function), ` ${record.event ? eventName(record.trigger) : record.trigger}`,
      record.published.length ? ` → ${record.published.map(publishedText).join(", ")}` : "",
      ` ${record.milliseconds} ms `, subject);
    if (record.error) line.append(document.createElement("br"), made("small", record.error, "detail"));
    list.prepend(line);
    while (list.children.length > MOST_LINES) list.lastElementChild.remove();
  }

  function watch() {
    const status = document.querySelector("[data-stream]");
    const show = (text, on) => { status.hidden = false; status.textContent = text; status.classList.toggle("on", on); };
    const source = new EventSource(`${prefix}/stream`);
    source.onopen = () => show("live", true);
    source.onerror = () => show(source.readyState === EventSource.CLOSED ? "not live: load the page again" : "waiting for the laptop", false);
    source.addEventListener("behind", () => location.reload());
    source.onmessage = (message) => {
      const record = JSON.parse(message.data);
      if (page === "live") { draw(record); log(record); }
      if (all("[data-refresh]").length) refresh();
      if (page === "flow" && record.flow === document.body.dataset.flow) all("[data-more]").forEach((one) => { one.hidden = false; });
    };
    addEventListener("pagehide", () => source.close());
  }

  // g, then the first letter of a page; from that page, the next one with the letter. Not inside an input.
  let going = false;
  addEventListener("keydown", (press) => {
    if (press.ctrlKey || press.metaKey || press.altKey || press.target.matches("input, textarea, select")) return;
    if (going) {
      const links = all("nav[aria-label=Pages] a").filter((one) => one.textContent[0].toLowerCase() === press.key);
      const here = links.findIndex((one) => one.hasAttribute("aria-current"));
      if (links.length) links[(here + 1) % links.length].click();
    }
    going = press.key === "g";
  });

  // Focus the errors of a refused form; open the event that the address names.
  all("[data-focus]").forEach((one) => one.focus());
  function openNamed() {
    let id = location.hash.slice(1);
    try { id = decodeURIComponent(id); } catch { /* the id holds a bare % */ }
    const one = document.getElementById(id);
    if (one && one.tagName === "DETAILS") one.open = true;
  }
  openNamed();
  addEventListener("hashchange", openNamed);

  if (page === "live" || page === "flow" || page === "flows") watch();
  // The page of a replay that is not at its end is loaded again.
  const waits = document.querySelector("[data-again]");
  if (waits) setTimeout(() => location.reload(), Number(waits.dataset.again));
})();
