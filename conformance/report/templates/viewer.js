"use strict";
// Lists the trials, filters and searches them, and opens one. The address holds what is open and
// what is filtered: `#trial-ID?clause=…` or `#find?clause=…`.
(function () {
  var make = page.make, say = page.say, fill = page.fill;
  var trials = JSON.parse(document.getElementById("index").textContent);
  var verdicts = JSON.parse(document.getElementById("verdicts").textContent);
  var byId = new Map(trials.map(function (trial) { return [trial.id, trial]; }));
  var form = document.getElementById("filters");
  var list = document.getElementById("list");
  var reading = document.getElementById("reading");
  var count = document.getElementById("count");
  var searching = document.getElementById("searching");
  var meter = searching.querySelector("progress");
  var REDRAW_MS = 150;
  var PAGE = 100;
  var rest = make("li", "rest", make("button", ""));
  var drawn = 0;
  var heads = new Map();
  var found = new Map();
  var shown = [];
  var current = null;
  var turn = 0;

  // --- what is wanted -------------------------------------------------------------------------

  function wanted(trial) {
    var get = function (name) { return form.elements[name].value; };
    var clause = get("clause"), verdict = get("verdict"), requirement = get("requirement");
    if (get("family") && trial.family !== get("family")) { return false; }
    if (get("lang") && trial.lang !== get("lang")) { return false; }
    if (get("outcome") && trial.outcome !== get("outcome")) { return false; }
    var seen = trial.observed.filter(function (o) {
      return (!clause || o[0] === clause) && (!verdict || verdicts[o[0]] === verdict);
    });
    if ((clause || verdict) && !seen.length) { return false; }
    if (requirement && !seen.some(function (o) { return o[3].includes(requirement); })) {
      return false;
    }
    if (!form.elements.failed.checked) { return true; }
    return clause || verdict ? seen.some(fellShort) : trial.short;
  }

  function fellShort(o) { return o[2] === null || (o[2] !== 1 && o[0] !== "efficiency"); }

  // What the list knows of a trial, without its text.
  function head(trial) {
    if (!heads.has(trial.id)) {
      var parts = [trial.id, "#" + trial.number, trial.family, trial.lang,
        say("outcome." + trial.outcome).textContent, say("cause." + trial.cause).textContent];
      trial.observed.forEach(function (o) { parts.push(o[0]); parts.push.apply(parts, o[3]); });
      heads.set(trial.id, parts.join("\n").toLowerCase());
    }
    return heads.get(trial.id);
  }

  function refresh() {
    turn += 1;
    var mine = turn;
    var base = trials.filter(wanted);
    var text = form.elements.text.value.trim().toLowerCase();
    found = new Map();
    searching.hidden = true;
    if (!text) { draw(base); tell(); return; }
    base.forEach(function (trial) { if (head(trial).includes(text)) { found.set(trial, null); } });
    var unread = base.filter(function (trial) { return !found.has(trial) && trial.place !== null; });
    var hidden = base.filter(function (trial) { return trial.place === null; }).length;
    var told = 0, last = Date.now();
    var redraw = function () { told = found.size; last = Date.now(); draw(base.filter(function (t) { return found.has(t); })); };
    redraw();
    count.replaceChildren(say("viewer.searching"));
    meter.max = unread.length || 1;
    meter.value = 0;
    searching.hidden = false;
    blocks.search(unread, text, function () { return mine === turn; },
      function (trial, around) { if (mine === turn) { found.set(trial, around); } },
      function (done) {
        meter.value = done;
        if (found.size > told && Date.now() - last > REDRAW_MS) { redraw(); }
      }
    ).then(function () {
      if (mine !== turn) { return; }
      searching.hidden = true;
      redraw();
      tell(hidden ? fill("viewer.not_searched", { n: hidden }) : null);
    });
  }

  function stop() {
    if (searching.hidden) { return false; }
    turn += 1;
    searching.hidden = true;
    tell(fill("viewer.stopped", { n: meter.value, of: meter.max }));
    return true;
  }

  function tell(more) {
    count.replaceChildren(fill("viewer.shown", { n: shown.length, of: trials.length }));
    if (more) { count.append(" · ", more); }
  }

  // --- the list -------------------------------------------------------------------------------

  function row(trial) {
    var kind = transcript.markOf(trial.lowest);
    var clauses = trial.observed.map(function (o) { return o[0]; }).filter(function (name, at, all) {
      return all.indexOf(name) === at && name !== "efficiency";
    });
    var link = make("a", "", make("span", "mark " + kind, transcript.MARKS[kind]),
      make("span", "unseen-text", say("viewer." + kind)),
      make("span", "number", "#" + trial.number),
      make("span", "family", trial.family),
      make("span", "lang", trial.lang),
      make("span", "where", clauses.join(" ")));
    link.firstChild.setAttribute("aria-hidden", "true");
    if (trial.outcome !== "completed") {
      link.append(make("span", "bad", say("outcome." + trial.outcome)));
    }
    if (!trial.counts) { link.append(make("span", "bad", say("viewer.uncounted"))); }
    else if (!trial.observed.length) { link.append(make("span", "faint", say("viewer.surplus"))); }
    if (trial.place === null) { link.append(make("span", "faint", say("viewer.in_bundle"))); }
    var around = found.get(trial);
    if (around) {
      link.append(make("span", "around", around[0], make("mark", "", around[1]), around[2]));
    }
    link.href = addressOf(trial);
    if (current === trial.id) { link.setAttribute("aria-current", "true"); }
    return make("li", "", link);
  }

  // Lines are made when they are needed: a page at first, the others as the reader comes to them.
  function draw(some) {
    shown = some;
    drawn = 0;
    list.replaceChildren();
    if (!some.length) { list.append(make("li", "small", say("viewer.none"))); }
    drawTo(PAGE - 1);
    step();
  }

  function drawTo(place) {
    rest.remove();
    while (drawn < shown.length && drawn <= place) { list.append(row(shown[drawn])); drawn += 1; }
    if (drawn < shown.length) {
      rest.firstChild.replaceChildren(fill("viewer.more", { n: shown.length - drawn }));
      list.append(rest);
    }
  }

  function links() { return Array.from(list.querySelectorAll("a")); }

  // Within the list alone, and without moving the page.
  function reveal(link) {
    var item = link.parentNode;
    if (item.offsetTop < list.scrollTop || item.offsetTop + item.offsetHeight > list.scrollTop + list.clientHeight) {
      list.scrollTop = Math.max(0, item.offsetTop - list.clientHeight / 3);
    }
  }

  // --- one trial ------------------------------------------------------------------------------

  function mover(key, to) {
    var link = make("a", "mover", say(key));
    if (to) { link.href = addressOf(to); } else { link.setAttribute("aria-disabled", "true"); }
    return link;
  }

  function neighbour(by) {
    var at = shown.findIndex(function (trial) { return trial.id === current; });
    return at < 0 ? shown[0] : shown[at + by];
  }

  function step() {
    var bar = reading.querySelector(".moves");
    if (!bar) { return; }
    var back = make("a", "mover to-list", say("viewer.to_list"));
    back.href = "#trials";
    var isListed = shown.some(function (trial) { return trial.id === current; });
    bar.replaceChildren(mover("viewer.previous", isListed ? neighbour(-1) : null),
      mover("viewer.next", isListed ? neighbour(1) : null), back);
  }

  function show(trial) {
    current = trial.id;
    drawTo(Math.max(drawn - 1, shown.indexOf(trial)));
    links().forEach(function (link) {
      if (link.getAttribute("href") === addressOf(trial)) {
        link.setAttribute("aria-current", "true");
        reveal(link);
      } else { link.removeAttribute("aria-current"); }
    });
    var title = make("h3", "", say("viewer.trial"), " #" + trial.number + " ", make("span", "code small", trial.id));
    title.id = "reading-title";
    var top = make("div", "reading-head", title, make("p", "moves"));
    var path = make("code", "", "run/transcripts/" + trial.id + ".jsonl");
    var place = function () {
      reading.replaceChildren.apply(reading, [top].concat(Array.from(arguments)));
      reading.setAttribute("aria-labelledby", "reading-title");
      reading.removeAttribute("aria-busy");
      reading.scrollTop = 0;
      step();
    };
    if (trial.place === null) {
      place(transcript.header(trial, null),
        make("p", "small", say("viewer.not_embedded"), " ", path),
        trial.sha256 ? make("p", "small", "SHA-256 ", make("code", "", trial.sha256)) : "");
      return Promise.resolve();
    }
    reading.setAttribute("aria-busy", "true");
    return blocks.content(trial).then(function (item) {
      if (current !== trial.id) { return; }
      var start = item.events.find(function (one) { return one.type === "start"; });
      place(transcript.header(trial, start), transcript.observed(item.observed), transcript.events(item));
    }, function () {
      if (current === trial.id) {
        place(transcript.header(trial, null), make("p", "small", say("viewer.unreadable"), " ", path));
      }
    });
  }

  // --- addresses ------------------------------------------------------------------------------

  function query() {
    var chosen = new URLSearchParams();
    Array.from(form.elements).forEach(function (field) {
      if (field.type === "checkbox" ? field.checked : field.name && field.value) {
        chosen.append(field.name, field.type === "checkbox" ? "1" : field.value);
      }
    });
    return String(chosen);
  }

  function addressOf(trial) {
    var chosen = query();
    return "#trial-" + trial.id + (chosen ? "?" + chosen : "");
  }

  function choose(chosen) {
    if (chosen === query()) { return; }
    Array.from(form.elements).forEach(function (field) {
      if (field.type === "checkbox") { field.checked = false; } else if (field.name) { field.value = ""; }
    });
    new URLSearchParams(chosen).forEach(function (value, name) {
      var field = form.elements[name];
      if (!field) { return; }
      if (field.type === "checkbox") { field.checked = true; } else { field.value = value; }
    });
    refresh();
  }

  function remember() {
    var open = current !== null && location.hash.startsWith("#trial-");
    var address = open ? addressOf(byId.get(current)) : "#find?" + query();
    try { history.replaceState(history.state, "", address); } catch (error) { /* not kept, that is all */ }
  }

  function decoded(text) {
    try { return decodeURIComponent(text); } catch (error) { return text; }
  }

  function follow() {
    var hash = location.hash, mark = hash.indexOf("?");
    var name = mark < 0 ? hash : hash.slice(0, mark), chosen = mark < 0 ? null : hash.slice(mark + 1);
    var trial = name.startsWith("#trial-") ? byId.get(name.slice(7)) : null;
    if (trial) {
      if (chosen !== null) { choose(chosen); }
      else if (!shown.includes(trial)) { choose(""); }
      show(trial).then(function () {
        reading.scrollIntoView({ block: "start" });
        reading.focus({ preventScroll: true });
      });
    } else if (name === "#find") {
      choose(chosen || "");
      document.getElementById("trials").scrollIntoView({ block: "start" });
    } else if (name.length > 1) {
      var target = document.getElementById(decoded(name.slice(1)));
      var folded = target && target.closest("details");
      if (folded) { folded.open = true; target.scrollIntoView({ block: "center" }); }
    }
  }

  // --- keys -----------------------------------------------------------------------------------

  var shortcuts = document.getElementById("shortcuts");
  var KEY = "conformance.shortcuts";
  try { shortcuts.checked = localStorage.getItem(KEY) !== "off"; } catch (error) { shortcuts.checked = true; }
  shortcuts.addEventListener("change", function () {
    try { localStorage.setItem(KEY, shortcuts.checked ? "on" : "off"); } catch (error) { /* not kept */ }
  });

  function isNear() {
    var at = document.getElementById("viewer").getBoundingClientRect();
    return at.top < innerHeight && at.bottom > 0;
  }

  function open(trial) { if (trial) { location.hash = addressOf(trial); } }

  function focusList() {
    var all = links();
    var link = all.find(function (one) { return one.hasAttribute("aria-current"); }) || all[0];
    if (link) { link.focus({ preventScroll: true }); reveal(link); list.scrollIntoView({ block: "nearest" }); }
  }

  function moveFocus(key) {
    drawTo(key === "End" ? shown.length : links().indexOf(document.activeElement) + 1);
    var all = links(), at = all.indexOf(document.activeElement);
    var to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[key];
    var link = all[Math.max(0, Math.min(all.length - 1, to))];
    link.focus({ preventScroll: true });
    reveal(link);
  }

  var KEYS = {
    "/": function () { form.elements.text.focus(); form.elements.text.select(); },
    j: function () { open(neighbour(1)); },
    k: function () { open(neighbour(-1)); },
    "?": function () {
      var keys = document.getElementById("keys");
      keys.open = true;
      keys.querySelector("summary").focus();
    }
  };

  document.addEventListener("keydown", function (pressed) {
    if (pressed.ctrlKey || pressed.metaKey || pressed.altKey) { return; }
    var at = pressed.target, key = pressed.key;
    if (key === "Escape") {
      if (stop()) { return; }
      if (at === form.elements.text && at.value) { at.value = ""; remember(); refresh(); }
      else if (reading.contains(at) || form.contains(at)) { focusList(); }
      return;
    }
    if (list.contains(at) && /^(Arrow(Up|Down)|Home|End)$/.test(key)) {
      pressed.preventDefault();
      moveFocus(key);
    } else if (at === reading && /^Arrow(Left|Right)$/.test(key)) {
      open(neighbour(key === "ArrowRight" ? 1 : -1));
    } else if (KEYS[key] && shortcuts.checked && !/^(INPUT|SELECT|TEXTAREA)$/.test(at.tagName)
      && (key === "/" || isNear())) {
      pressed.preventDefault();
      KEYS[key]();
    }
  });

  // --- what happens ---------------------------------------------------------------------------

  var timer = 0;
  form.addEventListener("submit", function (happening) { happening.preventDefault(); });
  form.addEventListener("input", function (happening) {
    clearTimeout(timer);
    timer = setTimeout(function () { remember(); refresh(); }, happening.target.name === "text" ? 200 : 0);
  });
  form.addEventListener("reset", function () { setTimeout(function () { remember(); refresh(); }, 0); });
  document.getElementById("stop").addEventListener("click", stop);
  rest.firstChild.type = "button";
  rest.firstChild.addEventListener("click", function () {
    var next = drawn;
    drawTo(drawn + PAGE - 1);
    links()[next].focus({ preventScroll: true });
  });
  list.addEventListener("scroll", function () {
    if (rest.isConnected && list.scrollTop + 2 * list.clientHeight > rest.offsetTop) { drawTo(drawn + PAGE - 1); }
  }, { passive: true });
  window.addEventListener("hashchange", follow);
  // Paper has no folds: what is folded but belongs to the result is opened to be printed.
  var folded = [];
  window.addEventListener("beforeprint", function () {
    folded = Array.from(document.querySelectorAll("details.folded:not([open])"));
    folded.forEach(function (one) { one.open = true; });
  });
  window.addEventListener("afterprint", function () {
    folded.forEach(function (one) { one.open = false; });
  });
  document.getElementById("viewer").hidden = false;
  draw(trials);
  tell();
  follow();
})();
