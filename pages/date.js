// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";
// Plays a day. A "second" is one of the line of the day: since it began, whatever clocks do.
(() => {
  const $ = id => document.getElementById(id);
  const {folder, date, other} = document.body.dataset;
  // What the folder is called here: where several stores are one, perhaps otherwise.
  const here = decodeURIComponent(location.pathname.split("/").at(-3) || folder);
  const video = document.querySelector("video"), line = $("line"), view = $("view");
  const day = Number(line.dataset.seconds);
  const two = n => String(Math.floor(n)).padStart(2, "0");
  const make = (name, text, parent, props) => {
    const made = Object.assign(document.createElement(name), {textContent: text}, props);
    if (parent) parent.append(made);
    return made;
  };

  // What the clock says.
  const words = document.body.dataset.clock.split(" ");
  const changes = [];
  for (let i = 0; i < words.length; i += 3) changes.push({from: Number(words[i]), wall: Number(words[i + 1]), offset: words[i + 2]});
  changes.forEach((c, i) => { c.to = i + 1 < changes.length ? changes[i + 1].from : Infinity; });
  const changeAt = s => changes.findLast(c => s >= c.from) ?? changes[0];
  const wallAt = s => { const c = changeAt(s); return c.wall + s - c.from; };
  const textOf = (wall, separator) => [wall / 3600 % 24, wall / 60 % 60, wall % 60].map(two).join(separator);
  // cameTwice tells whether the clock had said the same before on this day.
  const cameTwice = s => changes.some(c => c.to <= s && wallAt(s) >= c.wall && wallAt(s) < c.wall + c.to - c.from);
  const clockText = s => textOf(wallAt(s), ":") + (changes.length > 1 ? " " + changeAt(s).offset : "");
  const secondOf = wall => { const c = changes.find(c => wall >= c.wall && wall < c.wall + c.to - c.from); return c ? c.from + wall - c.wall : wall; };

  // Files, and where their time lines are on the line of the day.
  const files = [...document.querySelectorAll("a[data-pieces]")].map(a => {
    const n = a.dataset.pieces.split(" ").map(Number), pieces = [];
    for (let i = 0; i < n.length; i += 2) pieces.push({at: n[i], from: n[i + 1]});
    return {id: a.closest("li").id, href: a.getAttribute("href"), name: a.textContent, pieces, from: n[1], to: Number(a.dataset.end), frame: Number(a.dataset.frame), codec: a.dataset.codec, kind: a.dataset.kind};
  });
  const inFile = (f, s) => { const p = f.pieces.findLast(p => s >= p.from) ?? f.pieces[0]; return Math.max(0, p.at + s - p.from); };
  const events = [...new Set(line.dataset.events.split(" ").filter(Boolean).map(Number)
    .concat([...document.querySelectorAll("rect.mark")].map(m => Number(m.dataset.at))))].sort((a, b) => a - b);

  // asked is the second that is wanted while nothing of the file is there, perhaps for ever.
  let file = null, asked = 0, from = 0, span = day, begin = null, end = null;
  let pictureAt; // when the picture on the screen is shown, in the time of the file; undefined if that is not known
  const now = () => {
    if (!file) return 0;
    if (video.readyState === 0) return asked;
    const p = file.pieces.findLast(p => video.currentTime >= p.at) ?? file.pieces[0];
    return p.from + video.currentTime - p.at;
  };

  // The line.
  const svg = (name, props) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(props)) made.setAttribute(key, value);
    return made;
  };
  const place = s => 100 * (s - from) / span + "%";
  const steps = [10, 30, 60, 300, 600, 900, 1800, 3600, 10800, 21600];
  const draw = () => {
    span = Math.min(day, Math.max(60, span));
    from = Math.min(day - span, Math.max(0, from));
    view.setAttribute("viewBox", `${from} 0 ${span} 1`);
    const step = steps.find(step => span / step <= Math.max(3, line.clientWidth / 56)) ?? 21600;
    const ticks = $("ticks");
    ticks.replaceChildren();
    for (const c of changes) {
      const last = Math.min(c.to, from + span), first = Math.max(c.from, from);
      for (let w = Math.ceil((c.wall + first - c.from) / step) * step; c.from + w - c.wall < last; w += step) {
        const x = place(c.from + w - c.wall);
        if (c.from + w - c.wall <= from) continue;
        ticks.append(svg("line", {x1: x, x2: x, y1: 8, y2: 44}));
        const label = svg("text", {x, y: 57});
        label.textContent = textOf(w, ":").slice(0, step < 60 ? 8 : step < 3600 ? 5 : 2);
        ticks.append(label);
      }
    }
    show();
  };
  const zoom = (factor, around) => {
    const old = span;
    span = Math.min(day, Math.max(60, span * factor));
    from = around - (around - from) * span / old;
    draw();
  };
  const reveal = (s, wanted) => {
    if (wanted) span = wanted;
    if (wanted || s < from || s > from + span) from = s - span / 2;
    draw();
  };
  const show = () => {
    $("hand").setAttribute("x", file ? place(now()) : "-1%");
    if (!file) return;
    $("clock").textContent = clockText(now());
    line.setAttribute("aria-valuenow", String(Math.round(now())));
    line.setAttribute("aria-valuetext", clockText(now()));
    if (all) all.href = "../../index.html#at=" + date + "/" + textOf(wallAt(now()), ":");
  };

  // The player.
  const say = (text, links = []) => {
    const note = $("note");
    note.textContent = text;
    links.forEach(([words, href], i) => { note.append(i ? " · " : " "); make("a", words, note, {href}); });
  };
  const cannot = f => say("This browser cannot play " + f.name + ", which is " + f.kind + ".", [
    ["Open the file in a player such as VLC", f.href],
    ["Play " + other, "../../index.html#play=" + other + "/" + date + "/" + textOf(wallAt(now()), ":")]]);
  const open = (second, paused) => {
    const found = files.find(f => second < f.to) ?? files.at(-1);
    if (!found) return;
    const s = Math.max(found.from, Math.min(second, found.to - found.frame));
    $("player").hidden = false;
    asked = s;
    say("");
    if (found !== file) {
      file = found;
      pictureAt = undefined;
      video.src = file.href + "#t=" + inFile(file, s).toFixed(3);
      if (video.canPlayType(`video/mp4; codecs="${file.codec}"`) === "") cannot(file);
    } else video.currentTime = inFile(file, s);
    if (paused) video.pause(); else video.play().catch(() => {});
    show();
  };
  for (const name of ["timeupdate", "seeked", "loadedmetadata"]) video.addEventListener(name, show);
  video.addEventListener("ended", () => { if (file !== files.at(-1)) open(file.to + 0.01); });
  video.addEventListener("error", () => {
    if (video.error && video.error.code === 4 && video.canPlayType(`video/mp4; codecs="${file.codec}"`) !== "")
      say(file.name + " cannot be read here.", [["Open the file", file.href]]);
    else cannot(file);
  });

  // Pictures where the pointer is, where there are sheets (13.jpg).
  const sheets = new Map();
  const sheetOf = f => {
    if (!sheets.has(f)) {
      const image = new Image();
      sheets.set(f, image);
      image.src = f.id + ".jpg";
    }
    return sheets.get(f);
  };
  const tipAt = (s, x) => {
    const tile = $("tile"), f = files.find(f => s >= f.from && s < f.to), image = f && sheetOf(f);
    $("tip").hidden = false;
    $("tiptime").textContent = clockText(s) + (f ? "" : ", no footage");
    tile.hidden = !(image && image.complete && image.naturalWidth);
    if (!tile.hidden) {
      const minute = Math.floor(wallAt(s) / 60) % 60;
      tile.style.backgroundImage = `url("${image.src}")`;
      tile.style.backgroundPosition = `${minute % 12 * 100 / 11}% ${Math.floor(minute / 12) * 25}%`;
    }
    $("tip").style.left = Math.max(0, Math.min(x - 80, line.clientWidth - 168)) + "px";
  };
  const secondAt = e => { const box = line.getBoundingClientRect(); return from + (e.clientX - box.left) / box.width * span; };
  const pointers = new Map();
  let dragged = false;
  line.addEventListener("pointerdown", e => {
    if (e.button !== 0) return;
    pointers.set(e.pointerId, e.clientX);
    dragged = pointers.size > 1;
    if (e.shiftKey) { begin = end = secondAt(e); dragged = true; }
  });
  addEventListener("pointermove", e => {
    if (!pointers.has(e.pointerId)) return;
    const x = pointers.get(e.pointerId), width = line.clientWidth;
    if (!dragged && Math.abs(e.clientX - x) < 5) return;
    dragged = true;
    if (e.shiftKey && pointers.size === 1) { end = secondAt(e); showClip(); return; }
    if (pointers.size === 1) { from -= (e.clientX - x) / width * span; draw(); }
    else {
      const [other] = [...pointers].filter(([id]) => id !== e.pointerId).map(([, x]) => x);
      const factor = Math.abs(x - other) / Math.max(1, Math.abs(e.clientX - other));
      zoom(factor, from + ((e.clientX + other) / 2 - line.getBoundingClientRect().left) / width * span);
    }
    pointers.set(e.pointerId, e.clientX);
  });
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, e => pointers.delete(e.pointerId));
  line.addEventListener("pointermove", e => tipAt(secondAt(e), e.clientX - line.getBoundingClientRect().left));
  line.addEventListener("pointerleave", () => { $("tip").hidden = true; });
  line.addEventListener("click", e => {
    e.preventDefault();
    if (!dragged) open(secondAt(e));
    dragged = false;
  });
  line.addEventListener("dragstart", e => e.preventDefault());
  line.addEventListener("wheel", e => {
    e.preventDefault();
    if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) { from += e.deltaX / line.clientWidth * span; draw(); }
    else zoom(e.deltaY < 0 ? 0.8 : 1.25, secondAt(e));
  }, {passive: false});
  addEventListener("resize", draw);

  // Clips. Their names are those of docs/clips.md.
  const stamp = s => textOf(wallAt(s), ".") + (cameTwice(s) ? changeAt(s).offset : "");
  const nextDate = () => { const d = new Date(date + "T12:00:00Z"); d.setUTCDate(d.getUTCDate() + 1); return d.toISOString().slice(0, 10); };
  const showClip = () => {
    const box = $("clip");
    box.hidden = begin === null && end === null;
    box.replaceChildren();
    if (box.hidden) return;
    if (begin === null || end === null) {
      make("p", (begin === null ? "The clip ends at " + clockText(end) + ": mark where it begins (i)." : "The clip begins at " + clockText(begin) + ": mark where it ends (o)."), box);
      return;
    }
    const a = Math.floor(Math.max(0, Math.min(begin, end))), b = Math.min(day, Math.max(Math.ceil(Math.max(begin, end)), a + 1));
    $("chosen").setAttribute("x", String(a));
    $("chosen").setAttribute("width", String(b - a));
    const over = b >= day, name = date + "T" + stamp(a) + "--" + (over ? nextDate() + "T00.00.00" : stamp(b)) + ".mp4";
    const time = s => s >= day ? nextDate() + " 00:00:00" : changes.length === 1 ? date + " " + textOf(wallAt(s), ":")
      : date + "T" + textOf(wallAt(s), ":") + changeAt(s).offset.replace(/(\d\d)(?=\d)/, "$1:");
    make("p", "", box).append("Clip: ", make("a", name, null, {href: "../clips/" + name}));
    const quote = s => /^[\w.-]+$/.test(s) ? s : "'" + s.replaceAll("'", "'\\''") + "'";
    for (const command of ["keep", "export"]) make("code", `moonfirefs ${command} ${quote(folder)} "${time(a)}" "${time(b)}"` + (command === "export" ? ` -o ${quote(folder + "-" + name)}` : ` --name ${quote(folder + "-" + date + "-" + textOf(wallAt(a), ""))}`), box, {className: "command"});
    make("button", "Clear", make("p", "", box), {type: "button", onclick: () => { begin = end = null; $("chosen").setAttribute("width", "0"); showClip(); }});
  };
  const mark = which => { if (!file) return; if (which === "i") begin = now(); else end = now(); showClip(); };

  // Other days and other cameras: the page of all cameras knows of which there is footage.
  const nav = $("nav");
  const to = (words, what) => { nav.append(" · "); return make("a", words, nav, {href: "../../index.html#" + what}); };
  const before = to("‹ day before", "play=" + here + "/before/" + date), after = to("day after ›", "play=" + here + "/after/" + date);
  const all = to("all cameras now shown", "at=" + date);
  all.textContent = "all cameras at this time";

  // The picture on the screen can be ahead of currentTime by some milliseconds, so that steps go
  // from the one to the middle of the next.
  const seen = (_, picture) => { pictureAt = picture.mediaTime; video.requestVideoFrameCallback(seen); };
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(seen);
  const step = pictures => {
    video.pause();
    const at = video.seeking || pictureAt === undefined ? video.currentTime - file.frame / 2 : pictureAt;
    video.currentTime = at + (pictures + 0.5) * file.frame;
  };
  const toggle = () => { if (!file) open(0); else if (video.paused) video.play(); else video.pause(); };
  const jump = seconds => open(now() + seconds, video.paused);
  const eventFrom = later => later ? events.find(s => s > now() + 1) : events.findLast(s => s < now() - 5);
  const goEvent = later => { const s = eventFrom(later); if (s !== undefined) { open(s, video.paused); reveal(s); } };
  const keys = {
    " ": toggle, ArrowLeft: e => jump(e.shiftKey ? -60 : -5), ArrowRight: e => jump(e.shiftKey ? 60 : 5),
    ",": () => step(-1), ".": () => step(1),
    "[": () => goEvent(false), "]": () => goEvent(true), "+": () => zoom(0.5, now() || from + span / 2), "-": () => zoom(2, now() || from + span / 2),
    "0": () => { from = 0; span = day; draw(); }, i: () => mark("i"), o: () => mark("o"), h: () => before.click(), l: () => after.click(),
  };
  document.addEventListener("keydown", e => {
    if (e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName)) return;
    if (e.key === " " && /^(BUTTON|SUMMARY|VIDEO|A)$/.test(e.target.tagName)) return;
    const does = keys[e.key];
    if (!does || !file && ",.[".includes(e.key)) return;
    e.preventDefault();
    does(e);
  }, true);
  for (const [text, label, key] of [["‹ event", "event before", "["], ["−5 s", "5 seconds back", "ArrowLeft"], ["play", "play or pause", " "], ["+5 s", "5 seconds on", "ArrowRight"], ["event ›", "next event", "]"],
    ["−", "zoom out", "-"], ["+", "zoom in", "+"], ["clip from", "a clip begins here", "i"], ["clip to", "a clip ends here", "o"]])
    make("button", text, $("buttons"), {type: "button", title: label, ariaLabel: label, onclick: () => keys[key]({})});
  line.setAttribute("role", "slider");
  line.setAttribute("tabindex", "0");
  line.setAttribute("aria-label", "Time of day");
  line.setAttribute("aria-valuemin", "0");
  line.setAttribute("aria-valuemax", String(day));
  for (const a of line.querySelectorAll("a")) a.setAttribute("tabindex", "-1");

  // Links within the page, and addresses such as #13:05:20, #13 and #embed=13:05:20.
  document.addEventListener("click", e => {
    const a = e.target.closest("a[data-at], a[data-pieces]");
    if (!a || e.ctrlKey || e.metaKey || e.shiftKey) return;
    e.preventDefault();
    const s = Number(a.dataset.at ?? a.dataset.pieces.split(" ")[1]);
    open(s);
    if (a.dataset.at === undefined) { span = 3600; from = Math.floor(wallAt(s) / 3600) * 3600 + s - wallAt(s); }
    reveal(s);
    $("player").scrollIntoView({block: "nearest"});
  });
  const follow = () => {
    const hash = decodeURIComponent(location.hash.slice(1)), f = files.find(f => f.id === hash);
    const wanted = /^(embed=)?(\d\d):(\d\d)(?::(\d\d))?$/.exec(hash);
    if (wanted && wanted[1]) { document.body.classList.add("embed"); video.muted = true; }
    const s = f ? f.from : wanted ? secondOf(3600 * wanted[2] + 60 * wanted[3] + Number(wanted[4] || 0)) : null;
    if (s === null) {
      draw();
      if (document.body.classList.contains("inside") && files.length) open(files.at(-1).to - 60, true);
      return;
    }
    open(s, Boolean(wanted && wanted[1]));
    if (f) { span = 3600; from = Math.floor(wallAt(s) / 3600) * 3600 + s - wallAt(s); }
    reveal(s, f ? 0 : 3600);
  };
  addEventListener("hashchange", follow);
  // The page of all cameras steers those that it shows.
  addEventListener("message", e => {
    if (e.source !== parent || parent === self || !document.body.classList.contains("embed")) return;
    const {act, wall} = e.data;
    if (act === "play") video.play().catch(() => {});
    else if (act === "pause") video.pause();
    else if (act === "at") open(secondOf(Number(wall)), video.paused);
  });
  // In the page of a camera, which has the heading and the ways to others.
  if (parent !== self) document.body.classList.add("inside");
  follow();
})();
