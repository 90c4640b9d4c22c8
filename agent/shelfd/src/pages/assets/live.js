// Keeps a page live and sends its forms without reloading. Without this script every page still
// works: forms post and reload. It holds no state of its own: what is shown comes from the daemon.
"use strict";

const main = document.getElementById("content");
const lost = document.getElementById("lost");
const said = document.getElementById("said");
const live = document.getElementById("live");

// What somebody typed survives a new picture, unless the picture itself says something new there.
function show(markup) {
  const active = document.activeElement;
  const focused = active && live.contains(active) ? active.id : "";
  const typed = new Map();
  for (const input of live.querySelectorAll("input[id]")) {
    typed.set(input.id, [input.value, input.defaultValue, input.checked]);
  }
  const scan = live.querySelector("[data-scan]")?.dataset.scan;
  live.innerHTML = markup;
  const place = live.querySelector("[data-scan]");
  const fresh = place && place.dataset.scan !== scan;
  for (const [id, [value, before, checked]] of typed) {
    const input = document.getElementById(id);
    if (!input || fresh) continue;
    if (input.type === "checkbox") input.checked = checked;
    else if (value !== before && input.defaultValue === before) input.value = value;
  }
  document.getElementById(fresh ? place.dataset.scanFocus : focused)?.focus();
  hear(live.querySelector("[data-revision]"));
  weigh();
}

// Goods sold by weight are weighed as soon as they are picked: once for each row, and only by the
// page that is looked at. What the scale refuses, its button asks again.
const weighed = new Set();
function weigh() {
  const form = document.hidden ? null : live?.querySelector("form[data-auto]");
  if (!form || weighed.has(form.dataset.auto)) return;
  weighed.add(form.dataset.auto);
  send(form, { auto: "on" });
}
weigh();

// Sounds: each once, none for what was there before the page, one that repeats until it is dealt
// with. Every sound has a visual twin.
const tones = {
  ok: [[1800, 70]],
  unknown: [[300, 180], [300, 180]],
  blocked: [[220, 600]],
  payment_ok: [[1200, 90], [1600, 120]],
  payment_unknown: [[500, 250], [350, 250], [500, 250]],
};
let heard = Number(live?.querySelector("[data-revision]")?.dataset.revision ?? -1);
let audio = null;

function hear(place) {
  if (!place) return;
  const revision = Number(place.dataset.revision);
  if (revision > heard) play(place.dataset.sound);
  heard = revision;
}

function play(name) {
  const tone = tones[name];
  if (!tone) return;
  try {
    audio = audio || new AudioContext();
    let start = audio.currentTime;
    for (const [hertz, millis] of tone) {
      const voice = audio.createOscillator();
      voice.frequency.value = hertz;
      voice.connect(audio.destination);
      voice.start(start);
      voice.stop(start + millis / 1000);
      start += millis / 1000 + 0.05;
    }
  } catch { /* A page may not make sounds before somebody touches it; the row shows the same. */ }
}
setInterval(() => { if (document.querySelector("[data-nag]")) play("payment_unknown"); }, 4000);

function connect() {
  const source = new EventSource(main.dataset.events);
  source.addEventListener("live", (event) => { lost.hidden = true; show(event.data); });
  source.addEventListener("open", () => { lost.hidden = true; });
  source.addEventListener("error", () => {
    lost.hidden = false;
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
  });
  window.addEventListener("pagehide", () => source.close(), { once: true });
}
if (main?.dataset.events && live) connect();

// What an answer says: beside its form where the form has a place for it, else in a strip.
let quiet = 0;
function tell(text, bad) {
  said.textContent = text;
  said.hidden = !text;
  said.classList.toggle("bad", bad);
  clearTimeout(quiet);
  if (text) quiet = setTimeout(() => { said.hidden = true; }, 8000);
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-act]");
  if (!form) return;
  event.preventDefault();
  send(form, {});
});

async function send(form, more) {
  const body = new URLSearchParams(new FormData(form));
  for (const [name, value] of Object.entries(more)) body.set(name, value);
  // The moment of a scan belongs to what was scanned, not to what was typed over it.
  const when = form.querySelector("[name=when]");
  if (when && when.dataset.of !== body.get("code")) body.delete("when");
  const typed = [...form.querySelectorAll("input[id]:not([type=checkbox])")]
    .map((input) => [input.id, input.value]);
  // At once: the next scan or picture must find the fields empty.
  for (const [id] of typed) document.getElementById(id).value = "";
  try {
    const answer = await fetch(form.action, {
      method: "POST", body, headers: { accept: "application/json" },
    });
    const text = await answer.json().catch(() => ({}));
    tell(text.message || [text.detail, text.hint].filter(Boolean).join(" — "), !answer.ok);
    if (answer.ok) {
      if (form.dataset.focus) document.getElementById(form.dataset.focus)?.focus();
    } else {
      play("unknown");
      for (const [id, value] of typed) {
        const input = document.getElementById(id);
        if (input && !input.value) input.value = value;
      }
    }
  } catch { lost.hidden = false; }
}

// A scanner that types ends with Enter: it must never press the button of an alert.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.closest?.(".dismiss")) {
    event.preventDefault();
    return;
  }
  if (!/^(F\d+|Escape)$/.test(event.key) || event.ctrlKey || event.altKey) return;
  const focus = document.querySelector(`[data-key-focus="${event.key}"]`);
  if (focus) { event.preventDefault(); focus.focus(); return; }
  const button = document.querySelector(`button[data-key="${event.key}"]`);
  if (button) { event.preventDefault(); button.click(); }
});

// Names and codes while somebody types; a scanner types faster than this asks.
let asked = 0;
document.addEventListener("input", (event) => {
  const field = event.target.closest("input[data-suggest]");
  const turn = ++asked;
  if (!field || field.value.length < 2) return;
  setTimeout(async () => {
    if (turn !== asked || field.value.length < 2) return;
    const query = new URLSearchParams({ search: field.value, limit: 8 });
    const answer = await fetch(`${field.dataset.suggest}?${query}`).catch(() => null);
    if (!answer?.ok || turn !== asked) return;
    const { items } = await answer.json();
    document.getElementById(field.getAttribute("list"))?.replaceChildren(...items.map((item) => {
      const option = document.createElement("option");
      option.value = item.id;
      option.label = item.name;
      return option;
    }));
  }, 150);
});
