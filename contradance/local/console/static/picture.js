// Zoom, pan and the lines of one box. Without this script the picture is as wide as its page allows, and scrolls.
"use strict";

(() => {
  const MOST = 3;
  const LEAST = .05;
  const STEP = 1.3;
  const STEADY = 5; // pixels that a pointer may move in a click

  for (const viewer of document.querySelectorAll(".viewer")) {
    const canvas = viewer.querySelector(".canvas");
    const drawings = [...canvas.querySelectorAll(".picture")];
    if (!drawings.length) continue;
    const shown = () => drawings.find((one) => one.getClientRects().length) || drawings[0];
    const natural = (drawing) => drawing.viewBox.baseVal.width;
    const scale = () => shown().getBoundingClientRect().width / natural(shown());

    // The point of the picture that is at (x, y) of the window stays there.
    function zoom(wanted, x, y) {
      const before = shown().getBoundingClientRect();
      const across = (x - before.left) / before.width;
      const down = (y - before.top) / before.height;
      const to = Math.min(MOST, Math.max(LEAST, wanted));
      for (const drawing of drawings) {
        drawing.style.width = `${natural(drawing) * to}px`;
        drawing.style.maxWidth = "none";
      }
      const after = shown().getBoundingClientRect();
      canvas.scrollLeft += after.left + across * after.width - x;
      canvas.scrollTop += after.top + down * after.height - y;
    }

    const middle = () => {
      const frame = canvas.getBoundingClientRect();
      return [frame.left + frame.width / 2, frame.top + frame.height / 2];
    };

    function fit() {
      const room = Math.min(canvas.clientWidth / natural(shown()), canvas.clientHeight / shown().viewBox.baseVal.height);
      zoom(room, ...middle());
      canvas.scrollTo(0, 0);
    }

    const acts = {
      in: () => zoom(scale() * STEP, ...middle()),
      out: () => zoom(scale() / STEP, ...middle()),
      actual: () => zoom(1, ...middle()),
      fit,
    };
    const keys = { "+": acts.in, "=": acts.in, "-": acts.out, 1: acts.actual, 0: acts.fit };
    const tools = viewer.querySelector("[data-tools]");
    tools.hidden = false;
    for (const button of tools.querySelectorAll("button")) button.addEventListener("click", acts[button.dataset.act]);
    canvas.addEventListener("keydown", (press) => {
      if (press.ctrlKey || press.metaKey || press.altKey || !keys[press.key]) return;
      press.preventDefault();
      keys[press.key]();
    });
    canvas.addEventListener("wheel", (turn) => {
      if (!turn.ctrlKey && !turn.metaKey) return; // the picture scrolls
      turn.preventDefault();
      zoom(scale() * Math.exp(-turn.deltaY / 300), turn.clientX, turn.clientY);
    }, { passive: false });

    // Two fingers zoom and move; one finger scrolls, as everywhere.
    let pinch = null;
    const fingers = (touch) => {
      const [a, b] = touch.touches;
      return {
        apart: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) || 1,
        x: (a.clientX + b.clientX) / 2,
        y: (a.clientY + b.clientY) / 2,
      };
    };
    canvas.addEventListener("touchstart", (touch) => {
      pinch = touch.touches.length === 2 ? { ...fingers(touch), scale: scale() } : null;
    }, { passive: true });
    canvas.addEventListener("touchmove", (touch) => {
      if (!pinch || touch.touches.length !== 2) return;
      touch.preventDefault();
      const now = fingers(touch);
      canvas.scrollLeft -= now.x - pinch.x;
      canvas.scrollTop -= now.y - pinch.y;
      zoom(pinch.scale * now.apart / pinch.apart, now.x, now.y);
      Object.assign(pinch, { x: now.x, y: now.y });
    }, { passive: false });
    canvas.addEventListener("touchend", () => { pinch = null; });

    // A mouse drags the picture; the click that ends a drag opens no box.
    let drag = null;
    let dragged = false;
    canvas.addEventListener("pointerdown", (press) => {
      dragged = false;
      if (press.pointerType !== "mouse" || press.button !== 0) return;
      drag = { x: press.clientX, y: press.clientY, left: canvas.scrollLeft, top: canvas.scrollTop };
    });
    addEventListener("pointermove", (move) => {
      if (!drag) return;
      const [across, down] = [move.clientX - drag.x, move.clientY - drag.y];
      dragged = dragged || Math.hypot(across, down) > STEADY;
      canvas.classList.toggle("dragged", dragged);
      if (dragged) canvas.scrollTo(drag.left - across, drag.top - down);
    });
    addEventListener("pointerup", () => { drag = null; canvas.classList.remove("dragged"); });
    canvas.addEventListener("dragstart", (start) => start.preventDefault());
    canvas.addEventListener("click", (click) => {
      if (dragged && click.detail) click.preventDefault(); // a key's click has the detail 0
      dragged = false;
    }, { capture: true });

    // The lines of the box under the pointer, or of the one that has the focus, stand out.
    const trace = (target) => {
      const link = target instanceof Element && target.closest("a");
      const box = target instanceof Element && (target.closest(".box") || (link && link.querySelector(".box")));
      const key = box ? box.dataset.box : null;
      for (const drawing of drawings) {
        drawing.classList.toggle("traced", key !== null);
        for (const way of drawing.querySelectorAll(".way")) {
          way.classList.toggle("near", key !== null && (way.dataset.tail === key || way.dataset.head === key));
        }
      }
    };
    for (const name of ["pointerover", "focusin"]) canvas.addEventListener(name, (event) => trace(event.target));
    for (const name of ["pointerleave", "focusout"]) canvas.addEventListener(name, () => trace(null));

    // Where not all of the picture is in sight, begin with what failed, else where a flow begins.
    const first = [".box.troubled", ".box.lit", ".box"].map((one) => shown().querySelector(one)).find((one) => one);
    if (first) {
      const [at, frame] = [first.getBoundingClientRect(), canvas.getBoundingClientRect()];
      canvas.scrollLeft += at.left + at.width / 2 - frame.left - frame.width / 2;
      canvas.scrollTop += at.top + at.height / 2 - frame.top - frame.height / 2;
    }
  }
})();
