// The picture: tiles and boxes that travel to their new place, arrow keys among the tiles, details beside it.
"use strict";

(() => {
  const details = document.getElementById("details");
  const place = document.getElementById("picture");
  if (!place) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let before = new Map();
  let focused = null;
  let opener = null;

  // Tiles of hosts that are far from what is seen are neither measured nor moved: there may be thousands.
  const seen = (box) => box.bottom > -innerHeight && box.top < 2 * innerHeight;
  function* places() {
    for (const host of place.querySelectorAll(".host")) {
      const box = host.getBoundingClientRect();
      yield [host, box];
      if (seen(box)) for (const tile of host.querySelectorAll("[data-key]")) yield [tile, tile.getBoundingClientRect()];
    }
    for (const each of place.querySelectorAll(".lane [data-key]")) yield [each, each.getBoundingClientRect()];
  }
  const where = () => new Map([...places()].map(([each, box]) => [each.dataset.key, box]));

  function travel() {
    if (still.matches) return;
    for (const [each, to] of [...places()]) {
      const from = before.get(each.dataset.key);
      if (!from) continue;
      const [dx, dy] = [from.left - to.left, from.top - to.top];
      if (Math.abs(dx) < 2 && Math.abs(dy) < 2) continue;
      const far = Math.abs(dx) > innerWidth / 6; // another cloud, or the lane between them
      each.animate(
        [{ transform: `translate(${dx}px, ${dy}px)`, zIndex: 4, position: "relative" }, { transform: "none", zIndex: 4, position: "relative" }],
        { duration: far ? 900 : 300, easing: "cubic-bezier(.3, .1, .2, 1)" },
      );
    }
  }

  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (!place.contains(event.detail.target)) return;
    before = where();
    focused = document.activeElement?.closest("#picture [href]")?.getAttribute("href") ?? null;
  });
  document.body.addEventListener("htmx:sseBeforeMessage", (event) => { if (event.target.id === "lane") before = where(); });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (!place.contains(event.detail.target)) return;
    travel();
    if (focused) place.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    place.dataset.drawn = Number(place.dataset.drawn ?? 0) + 1;
  });
  document.body.addEventListener("htmx:sseMessage", (event) => { if (event.target.id === "lane") travel(); });

  // One tile of each host is a stop of the Tab key; arrows go on from there.
  place.addEventListener("keydown", (event) => {
    const tile = event.target.closest(".tile");
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (!tile || !step) return;
    const tiles = [...tile.closest(".tiles").querySelectorAll(".tile")];
    const next = tiles[Math.max(0, Math.min(tiles.length - 1, tiles.indexOf(tile) + step))];
    tile.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    event.preventDefault();
  });

  function close() {
    details.hidden = true;
    details.replaceChildren();
    if (opener?.isConnected) opener.focus();
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("#details .close")) return close();
    const link = event.target.closest("#picture a.tile, #picture a.open, #details a.open");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (!details.contains(link)) opener = link;
    htmx.ajax("GET", link.getAttribute("href"), { target: details, swap: "innerHTML" }).then(() => {
      const button = Object.assign(document.createElement("button"), { className: "close quiet", textContent: "Close", type: "button" });
      details.prepend(button);
      details.hidden = false;
      details.focus();
    });
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !details.hidden) close(); });
})();
