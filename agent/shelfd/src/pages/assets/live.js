// Keeps a page live and sends its forms without reloading. Without this script every page still
// works: forms post and reload. It holds no state of its own: what is shown comes from the daemon.
"use strict";

const main = document.getElementById("content");
const lost = document.getElementById("lost");

function show(markup) {
  const live = document.getElementById("live");
  if (!live) return;
  const active = document.activeElement;
  const id = active && live.contains(active) ? active.id : "";
  const typed = {};
  for (const input of live.querySelectorAll("input[id]")) typed[input.id] = input.value;
  live.innerHTML = markup;
  for (const [name, value] of Object.entries(typed)) {
    const input = document.getElementById(name);
    if (input && value) input.value = value;
  }
  const again = id && document.getElementById(id);
  if (again) again.focus();
  play(live.querySelector("[data-sound]"));
}

let heard = -1;
let audio = null;
const tones = {
  ok: [[1800, 70]],
  unknown: [[300, 180], [300, 180]],
  blocked: [[220, 600]],
  payment_ok: [[1200, 90], [1600, 120]],
  payment_unknown: [[500, 250], [350, 250], [500, 250]],
};

function play(place) {
  if (!place || Number(place.dataset.revision) <= heard) return;
  heard = Number(place.dataset.revision);
  const tone = tones[place.dataset.sound];
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

if (main && main.dataset.events) {
  const source = new EventSource(main.dataset.events);
  source.addEventListener("live", (event) => { lost.hidden = true; show(event.data); });
  source.addEventListener("open", () => { lost.hidden = true; });
  source.addEventListener("error", () => { lost.hidden = false; });
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-act]");
  if (!form) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form));
  try {
    const answer = await fetch(form.action, {
      method: "POST", body, headers: { accept: "application/json" },
    });
    const said = await answer.json().catch(() => ({}));
    const place = form.querySelector("[data-answer]");
    if (place) place.textContent = said.message || said.detail || "";
    if (answer.ok) form.reset();
    if (answer.ok && form.dataset.focus) document.getElementById(form.dataset.focus)?.focus();
  } catch { lost.hidden = false; }
});

// A scanner that types ends with Enter: it must never press the button of an alert.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.closest(".dismiss")) { event.preventDefault(); return; }
  const focus = document.querySelector(`[data-key-focus="${CSS.escape(event.key)}"]`);
  if (focus) { event.preventDefault(); focus.focus(); return; }
  const button = document.querySelector(`button[data-key="${CSS.escape(event.key)}"]`);
  if (button) { event.preventDefault(); button.click(); }
});

// Names and codes while somebody types.
let asked = 0;
document.addEventListener("input", async (event) => {
  const field = event.target.closest("input[data-suggest]");
  if (!field || field.value.length < 2) return;
  const turn = ++asked;
  const answer = await fetch(`${field.dataset.suggest}?search=${encodeURIComponent(field.value)}&limit=8`)
    .catch(() => null);
  if (!answer || !answer.ok || turn !== asked) return;
  const list = document.getElementById(field.getAttribute("list"));
  if (!list) return;
  list.replaceChildren(...(await answer.json()).items.map((item) => {
    const option = document.createElement("option");
    option.value = item.codes[0] || item.id;
    option.label = item.name;
    return option;
  }));
});
