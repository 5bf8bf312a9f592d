// What every page does: clocks that run, and an honest word when the connection is lost.
"use strict";

const SILENCE = 15000; // milliseconds without a sign of life after which the connection counts as lost
let heard = 0; // when the stream was heard of last; 0 where there is none
let lag = 0; // milliseconds by which this clock is ahead of the server's
let lost = false;
let asked = 0; // seconds since the connection was lost

function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const minutes = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return whole < 3600 ? minutes : `${Math.floor(whole / 3600)}:${minutes}`;
}

function tick() {
  if (heard && Date.now() - heard > SILENCE) cut();
  if (lost) { // nobody knows whether it still goes on
    if (++asked % 5 === 0) ask();
    return;
  }
  const now = (Date.now() - lag) / 1000;
  for (const clock of document.querySelectorAll("time[data-since]")) clock.textContent = span(now - clock.dataset.since);
}

function alive() {
  heard = Date.now();
  if (!lost) return;
  lost = false;
  document.body.classList.remove("cut");
  document.getElementById("lost").hidden = true;
  htmx.trigger(document.body, "again");
}

function cut() {
  if (lost) return;
  lost = true;
  asked = 0;
  document.body.classList.add("cut");
  const since = heard ? new Date(heard).toLocaleTimeString("en-GB") : "the beginning";
  const words = document.getElementById("lost");
  words.textContent = `The connection is lost. What you see is as of ${since}; trying again.`;
  words.hidden = false;
  ask();
}

// Whether it is the session that is over, and not the connection.
async function ask() {
  const answer = await fetch("/session", { cache: "no-store" }).catch(() => null);
  if (!lost || !answer || answer.status !== 401) return;
  const again = Object.assign(document.createElement("a"), { href: location.href, textContent: "Log in again" });
  document.getElementById("lost").replaceChildren("Your session is over. ", again, ".");
}

document.addEventListener("htmx:sseOpen", (event) => {
  event.detail.source.addEventListener("beat", (beat) => { lag = Date.now() - 1000 * Number(beat.data); alive(); });
  alive();
});
document.addEventListener("htmx:sseError", cut);
document.addEventListener("htmx:sseMessage", alive);
document.addEventListener("htmx:sendError", cut);
document.addEventListener("htmx:beforeSwap", (event) => {
  // Errors of the service are parts of the page, too.
  if (event.detail.xhr.status >= 400) { event.detail.shouldSwap = true; event.detail.isError = false; }
});
document.addEventListener("htmx:load", tick);
document.addEventListener("submit", (event) => {
  const busy = event.target.dataset.busy;
  const button = event.submitter;
  if (busy && button) { button.setAttribute("aria-busy", "true"); button.textContent = busy; }
});
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
setInterval(tick, 1000);
