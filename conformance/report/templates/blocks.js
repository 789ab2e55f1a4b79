"use strict";
// Transcripts lie in the page as compressed blocks; one is unpacked when it is asked for, and a few
// are kept. Each item is one trial's: its events, what was observed of it, its last detail.
var blocks = (function () {
  var KEPT = 6;
  var CUT = "\0";
  var open = new Map();

  function unpack(number) {
    var found = open.get(number);
    if (found) { open.delete(number); } else { found = read(number); }
    open.set(number, found);
    if (open.size > KEPT) { open.delete(open.keys().next().value); }
    return found;
  }

  function read(number) {
    var raw = atob(document.getElementById("block-" + number).textContent);
    var bytes = new Uint8Array(raw.length);
    for (var i = 0; i < raw.length; i += 1) { bytes[i] = raw.charCodeAt(i); }
    var stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).json();
  }

  function content(trial) {
    return unpack(trial.place[0]).then(function (items) { return items[trial.place[1]]; });
  }

  function isCut(value) {
    return value !== null && typeof value === "object" && typeof value[CUT] === "string";
  }

  function strings(value, found) {
    if (typeof value === "string") { found.push(value); }
    else if (typeof value === "number" || typeof value === "boolean") { found.push(String(value)); }
    else if (value !== null && typeof value === "object") {
      Object.keys(value).forEach(function (key) {
        if (key !== CUT && !Array.isArray(value)) { found.push(key); }
        strings(value[key], found);
      });
    }
    return found;
  }

  // Search the text of trials, block by block, so that the page stays alive and can stop it.
  // Calls back with (trial, text around the first place) and, after each block, (trials done).
  function search(trials, text, isWanted, onFound, onDone) {
    var byBlock = new Map();
    trials.forEach(function (trial) {
      if (trial.place === null) { return; }
      if (!byBlock.has(trial.place[0])) { byBlock.set(trial.place[0], []); }
      byBlock.get(trial.place[0]).push(trial);
    });
    var done = 0;
    return Array.from(byBlock.keys()).reduce(function (before, number) {
      return before.then(function () {
        if (!isWanted()) { return null; }
        return unpack(number).then(function (items) {
          byBlock.get(number).forEach(function (trial) {
            var all = strings(items[trial.place[1]], []).join("\n");
            var at = all.toLowerCase().indexOf(text);
            if (at >= 0) { onFound(trial, around(all, at, text.length)); }
          });
        }, function () { /* a block that this browser cannot unpack holds nothing to be found */ })
          .then(function () {
            done += byBlock.get(number).length;
            if (isWanted()) { onDone(done); }
            return new Promise(function (next) { setTimeout(next, 0); });
          });
      });
    }, Promise.resolve());
  }

  function around(all, at, length) {
    var from = Math.max(0, at - 40);
    var line = function (text) { return text.replace(/\s+/g, " "); };
    return [(from ? "…" : "") + line(all.slice(from, at)), line(all.slice(at, at + length)),
      line(all.slice(at + length, at + length + 60))];
  }

  return { content: content, isCut: isCut, textOf: function (value) { return value[CUT]; }, search: search };
})();
