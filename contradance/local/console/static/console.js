// What happens while a page is open. Every page works without it; whatever is shown is set as text, never as markup.
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

  const seen = (contract) => named("data-box", contract).forEach(pulse);
  const way = (tail, head) =>
    named("data-tail", tail).filter((one) => one.dataset.head === head).forEach(pulse);

  function draw(told) {
    const well = told.outcome === "done" || told.outcome === "duplicate";
    if (told.event) { seen(told.trigger); way(told.trigger, told.function); }
    for (const box of named("data-box", told.function)) {
      pulse(box);
      box.classList.toggle("troubled", !well);
    }
    for (const event of told.published) { way(told.function, event.contract); seen(event.contract); }
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

  function log(told) {
    const list = document.querySelector("[data-log]");
    all("[data-quiet]").forEach((hint) => { hint.hidden = true; });
    const well = told.outcome === "done" || told.outcome === "duplicate";
    const line = document.createElement("li");
    const subject = made("a", told.subject || told.flow, "id");
    subject.href = `${prefix}/flows/${encodeURIComponent(told.flow)}`;
    line.append(
      made("time", told.at.slice(11, 19)), " ",
      made("span", `${well ? "✓" : "✗"} ${told.outcome}`, `badge ${well ? "done" : told.dead ? "dead" : "waiting"}`), " ",
      made("b", told.function), ` ${told.event ? eventName(told.trigger) : told.trigger}`,
      told.published.length ? ` → ${told.published.map((one) => eventName(one.contract)).join(", ")}` : "",
      ` ${told.milliseconds} ms `, subject);
    if (told.error) line.append(document.createElement("br"), made("small", told.error, "detail"));
    list.prepend(line);
    while (list.children.length > MOST_LINES) list.lastElementChild.remove();
  }

  function watch() {
    const status = document.querySelector("[data-stream]");
    const say = (text, on) => { status.hidden = false; status.textContent = text; status.classList.toggle("on", on); };
    const source = new EventSource(`${prefix}/stream`);
    source.onopen = () => say("live", true);
    source.onerror = () => say(source.readyState === EventSource.CLOSED ? "not live: load the page again" : "waiting for the laptop", false);
    source.addEventListener("behind", () => location.reload());
    source.onmessage = (message) => {
      const told = JSON.parse(message.data);
      if (page === "live") { draw(told); log(told); }
      if (all("[data-refresh]").length) refresh();
      if (page === "flow" && told.flow === document.body.dataset.flow) all("[data-more]").forEach((one) => { one.hidden = false; });
    };
    addEventListener("pagehide", () => source.close());
  }

  // g, then the first letter of a page: but not where somebody writes.
  let going = false;
  addEventListener("keydown", (press) => {
    if (press.ctrlKey || press.metaKey || press.altKey || press.target.matches("input, textarea, select")) return;
    if (going) {
      const link = all("nav[aria-label=Pages] a").find((one) => one.textContent[0].toLowerCase() === press.key);
      if (link) link.click();
    }
    going = press.key === "g";
  });

  // Where a form was refused, begin with what is wrong; where an event was asked for, show it.
  all("[data-focus]").forEach((one) => one.focus());
  const asked = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const open = () => { const one = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1))); if (one && one.tagName === "DETAILS") one.open = true; };
  if (asked) open();
  addEventListener("hashchange", open);

  if (page === "live" || page === "flow" || page === "flows") watch();
  // A replay that goes on is looked at again.
  const waits = document.querySelector("[data-again]");
  if (waits) setTimeout(() => location.reload(), Number(waits.dataset.again));
})();
