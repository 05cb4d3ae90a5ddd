"use strict";
// Plays live.m3u8 beside this page: natively where the browser can, else through Media
// Source. SPDX-License-Identifier: GPL-3.0-or-later
const list = "live.m3u8", video = document.querySelector("video"), note = document.getElementById("note");
const say = (text) => { note.textContent = text; };
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const event = (target, name) => new Promise((done, failed) => {
  target.addEventListener(name, done, { once: true });
  target.addEventListener("error", () => failed(new Error("the browser cannot decode this stream")), { once: true });
});
const get = async (name) => {
  const answer = await fetch(name, { cache: name === list ? "no-store" : "default" });
  if (!answer.ok) throw new Error(name + ": " + answer.status);
  return answer;
};

// parse lists the segments of a playlist, each with its number and what comes before it.
function parse(text) {
  const segments = [];
  let number = 0, init = "", codecs = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("#EXT-X-MEDIA-SEQUENCE:")) number = Number(line.slice(22));
    else if (line.startsWith("#EXT-X-MAP:")) init = line.match(/URI="([^"]+)"/)[1];
    else if (line.startsWith("#moonfirefs-codecs ")) codecs = line.slice(19);
    else if (line && !line.startsWith("#")) segments.push({ name: line, number: number++, init, codecs });
  }
  return segments;
}

// follow keeps the picture near the end of what there is, and forgets what is long past.
function follow(buffer) {
  const n = video.buffered.length;
  if (n === 0) return;
  const begin = video.buffered.start(n - 1), end = video.buffered.end(n - 1);
  if (video.currentTime < begin || end - video.currentTime > 4) video.currentTime = Math.max(begin, end - 1);
  if (!buffer.updating && video.currentTime - video.buffered.start(0) > 60) buffer.remove(0, video.currentTime - 30);
}

async function play() {
  const source = new MediaSource();
  video.src = URL.createObjectURL(source);
  await event(source, "sourceopen");
  let buffer, init = "", last = -1;
  const append = async (name) => {
    const data = await (await get(name)).arrayBuffer();
    if (buffer.updating) await event(buffer, "updateend");
    buffer.appendBuffer(data);
    await event(buffer, "updateend");
  };
  for (;;) {
    const news = parse(await (await get(list)).text()).filter((s) => s.number > last);
    for (const s of news) {
      if (s.init !== init) {
        const type = `video/mp4; codecs="${s.codecs}"`;
        if (!MediaSource.isTypeSupported(type)) throw new Error("this browser cannot decode " + s.codecs);
        if (buffer) buffer.changeType(type);
        else buffer = source.addSourceBuffer(type);
        await append(s.init);
        init = s.init;
      }
      await append(s.name);
      last = s.number;
      follow(buffer);
      if (video.paused && video.autoplay) video.play().catch(() => {});
      say("");
    }
    if (news.length === 0) await pause(250);
  }
}

async function start() {
  if (location.protocol === "file:") {
    say("Browsers play this page from a web server only. Open latest.mp4 or live.m3u8 with VLC or mpv instead.");
    return;
  }
  const native = /Apple/.test(navigator.vendor) && video.canPlayType("application/vnd.apple.mpegurl");
  if (native || !window.MediaSource) {
    if (!video.canPlayType("application/vnd.apple.mpegurl")) {
      say("This browser cannot play it. Open latest.mp4, or live.m3u8 with VLC or mpv.");
      return;
    }
    video.src = list;
    return;
  }
  for (;;) {
    try { await play(); } catch (e) { say(e.message + ". Trying again; latest.mp4 or VLC may do better."); }
    await pause(2000);
  }
}
start();
