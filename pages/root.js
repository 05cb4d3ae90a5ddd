// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";
// Finds the way to a day, and shows all cameras at one time.
(() => {
  const $ = id => document.getElementById(id);
  const streams = [...document.querySelectorAll("[data-dates]")].map(e => ({
    folder: e.dataset.folder, link: e.dataset.link, main: e.dataset.kind === "main",
    dates: e.dataset.dates.split(" ").filter(Boolean).map(r => r.split("/")),
  }));
  const has = (s, date) => s.dates.some(([a, b]) => date >= a && date <= b);
  const shift = (date, days) => { const d = new Date(date + "T12:00:00Z"); d.setUTCDate(d.getUTCDate() + days); return d.toISOString().slice(0, 10); };
  const near = (s, way, date) => {
    if (way === "before") {
      const r = s.dates.findLast(r => r[0] < date);
      return r && (r[1] < date ? r[1] : shift(date, -1));
    }
    const r = s.dates.find(r => r[1] > date);
    return r && (r[0] > date ? r[0] : shift(date, 1));
  };
  const say = text => { $("note").textContent = text; };

  // Today and yesterday are those of the zone of the footage.
  try {
    const today = new Intl.DateTimeFormat("en-CA", {timeZone: document.body.dataset.zone, dateStyle: "short"}).format();
    for (const a of document.querySelectorAll("a[data-date]")) {
      if (a.dataset.date === today) a.textContent = "today";
      if (a.dataset.date === shift(today, -1)) a.textContent = "yesterday";
    }
  } catch { /* the browser does not know the zone: the links say the dates */ }

  // All cameras at one time: each is the page of its date, without all but the player.
  const when = $("when"), wall = $("wall"), frames = $("frames");
  wall.hidden = false;
  const clock = text => text.split(":").reduce((sum, n) => 60 * sum + Number(n), 0) * (text.length > 5 ? 1 : 60);
  const tell = message => { for (const f of frames.querySelectorAll("iframe")) f.contentWindow.postMessage(message, "*"); };
  const showAll = value => {
    const [date, time] = value.split("T");
    const found = streams.filter(s => s.main && has(s, date));
    say(found.length ? "" : "There is no footage of " + date + ".");
    $("steer").hidden = found.length === 0;
    when.value = value;
    if (frames.dataset.date === date && frames.children.length) { tell({act: "at", wall: clock(time)}); return; }
    frames.dataset.date = date;
    frames.replaceChildren(...found.map(s => {
      const box = document.createElement("figure"), frame = document.createElement("iframe"), caption = document.createElement("figcaption"), a = document.createElement("a");
      Object.assign(frame, {src: s.link + "/" + date + "/index.html#embed=" + time, title: s.folder, loading: "lazy"});
      a.textContent = s.folder;
      a.href = s.link + "/" + date + "/index.html#" + time;
      caption.append(a);
      box.append(frame, caption);
      return box;
    }));
    wall.open = true;
    wall.scrollIntoView({block: "start"});
  };
  when.form.addEventListener("submit", e => { e.preventDefault(); if (when.value) showAll(when.value); });
  for (const b of document.querySelectorAll("button[data-act]")) b.addEventListener("click", () => tell({act: b.dataset.act}));
  for (const b of document.querySelectorAll("button[data-jump]")) b.addEventListener("click", () => {
    const [date, time] = when.value.split("T");
    const s = Math.min(86399, Math.max(0, clock(time) + Number(b.dataset.jump)));
    showAll(date + "T" + [s / 3600, s / 60 % 60, s % 60].map(n => String(Math.floor(n)).padStart(2, "0")).join(":"));
  });

  // Addresses such as #play=driveway/2026-11-22/13:05:20, #play=driveway/before/2026-11-22
  // and #at=2026-11-22/13:05:20.
  const follow = () => {
    const words = decodeURIComponent(location.hash.slice(1)).split("/");
    if (words[0].startsWith("at=")) {
      showAll(words[0].slice(3) + "T" + (words[1] || "12:00:00"));
    } else if (words[0].startsWith("play=")) {
      const s = streams.find(s => s.folder === words[0].slice(5)), away = words[1] === "before" || words[1] === "after";
      const date = s && (away ? near(s, words[1], words[2]) : has(s, words[1]) && words[1]);
      if (date) location.replace(s.link + "/" + date + "/index.html" + (away || !words[2] ? "" : "#" + words[2]));
      else say("There is no such footage of " + words[0].slice(5) + (away ? " " + words[1] + " " + words[2] : ", " + words[1]) + ".");
    }
  };
  addEventListener("hashchange", follow);
  follow();
})();
