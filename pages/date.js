// SPDX-License-Identifier: GPL-3.0-or-later

"use strict";
(() => {
  const video = document.querySelector("video"), clock = document.querySelector("#clock"), note = document.querySelector("#note");
  const line = document.querySelector("#line"), hand = document.querySelector("#hand"), day = Number(line.dataset.seconds);
  const files = [...document.querySelectorAll("a[data-from]")].map(a =>
    ({href: a.getAttribute("href"), name: a.textContent, from: Number(a.dataset.from), to: Number(a.dataset.to), clock: Number(a.dataset.clock)}));
  const events = line.dataset.events.split(" ").filter(Boolean).map(Number);
  let file = null;
  document.querySelector("#player").hidden = false;
  const two = n => String(n).padStart(2, "0");
  const text = s => two(Math.floor(s / 3600) % 24) + ":" + two(Math.floor(s / 60) % 60) + ":" + two(Math.floor(s) % 60);
  const now = () => file ? file.from + video.currentTime : 0;
  const show = () => {
    if (!file) return;
    clock.textContent = text(file.clock + video.currentTime);
    hand.setAttribute("x", String(100 * now() / day) + "%");
  };
  const open = second => {
    const found = files.find(f => second < f.to);
    if (!found) return;
    const at = Math.max(0, second - found.from);
    note.textContent = "";
    if (found !== file) {
      file = found;
      video.src = file.href + "#t=" + at.toFixed(2);
    } else video.currentTime = at;
    video.play().catch(() => {});
    show();
  };
  line.addEventListener("click", e => {
    const box = line.getBoundingClientRect();
    e.preventDefault();
    open((e.clientX - box.left) / box.width * day);
  });
  for (const a of document.querySelectorAll("a[data-at]")) a.addEventListener("click", e => {
    e.preventDefault();
    open(Number(a.dataset.at));
    video.scrollIntoView({block: "nearest"});
  });
  video.addEventListener("timeupdate", show);
  video.addEventListener("seeked", show);
  video.addEventListener("ended", () => open(file.to + 0.01));
  video.addEventListener("error", () => {
    note.textContent = "This browser cannot play " + file.name + ". Open the file in a player such as VLC, or look at the sub stream.";
  });
  document.addEventListener("keydown", e => {
    if (e.ctrlKey || e.metaKey || e.altKey || !file) return;
    const jump = {ArrowLeft: -5, ArrowRight: 5, ",": -1 / 25, ".": 1 / 25}[e.key];
    if (jump) {
      if (e.key === "," || e.key === ".") video.pause();
      open(now() + jump * (e.shiftKey ? 12 : 1));
      if (e.key === "," || e.key === ".") video.pause();
    } else if (e.key === " " && e.target !== video) video.paused ? video.play() : video.pause();
    else if (e.key === "]") open(events.find(s => s > now() + 1) ?? now());
    else if (e.key === "[") open(events.findLast(s => s < now() - 5) ?? now());
    else return;
    e.preventDefault();
  });
  const wanted = /^#(\d\d):(\d\d)(?::(\d\d))?$/.exec(decodeURIComponent(location.hash));
  if (wanted) {
    const s = 3600 * wanted[1] + 60 * wanted[2] + Number(wanted[3] || 0);
    const f = files.find(f => s >= f.clock && s < f.clock + f.to - f.from);
    if (f) open(f.from + s - f.clock);
  }
})();
