"use strict";
// Lists the trials, filters them, and shows a transcript. What an agent said reaches the page
// through textContent alone.
(function () {
  var words = JSON.parse(document.getElementById("words").textContent);
  var trials = JSON.parse(document.getElementById("index").textContent);
  var byId = new Map(trials.map(function (trial) { return [trial.id, trial]; }));
  var form = document.getElementById("filters");
  var list = document.getElementById("list");
  var reading = document.getElementById("reading");
  var count = document.getElementById("count");
  var blocks = new Map();
  var haystacks = new Map();
  var shown = [];
  var current = null;
  var CUT = "\0";
  var LONG = 1500;
  var SHORT = 1000;
  var MARKS = { full: "●", part: "◐", zero: "✕", unseen: "–" };

  function make(tag, name) {
    var node = document.createElement(tag);
    if (name) { node.className = name; }
    for (var i = 2; i < arguments.length; i += 1) {
      var child = arguments[i];
      if (child !== null && child !== undefined) {
        node.append(child);
      }
    }
    return node;
  }

  function say(key) {
    var both = words[key];
    var fragment = document.createDocumentFragment();
    if (!both) { fragment.append(key.replace(/^[a-z]+\./, "")); return fragment; }
    if (both[0] === both[1]) { fragment.append(both[0]); return fragment; }
    ["zh-CN", "en"].forEach(function (lang, at) {
      var span = make("span", "", both[at]);
      span.lang = lang;
      fragment.append(span);
    });
    return fragment;
  }

  function fill(key, values) {
    var fragment = say(key);
    fragment.querySelectorAll("span").forEach(function (span) {
      span.textContent = span.textContent.replace(/\{(\w+)\}/g, function (_, name) {
        return values[name];
      });
    });
    return fragment;
  }

  // --- what is packed -------------------------------------------------------------------------

  function unpack(number) {
    if (!blocks.has(number)) {
      var packed = document.getElementById("block-" + number).textContent;
      var raw = atob(packed);
      var bytes = new Uint8Array(raw.length);
      for (var i = 0; i < raw.length; i += 1) { bytes[i] = raw.charCodeAt(i); }
      var stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
      blocks.set(number, new Response(stream).json());
    }
    return blocks.get(number);
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
      Object.keys(value).forEach(function (key) { found.push(key); strings(value[key], found); });
    }
    return found;
  }

  function haystack(trial) {
    if (haystacks.has(trial.id)) { return Promise.resolve(haystacks.get(trial.id)); }
    var head = [trial.id, trial.family, trial.outcome, trial.cause].join("\n");
    var rest = trial.place === null ? Promise.resolve("") : content(trial).then(function (found) {
      return strings(found, []).join("\n");
    });
    return rest.then(function (text) {
      var hay = (head + "\n" + text).toLowerCase();
      haystacks.set(trial.id, hay);
      return hay;
    });
  }

  // --- the list -------------------------------------------------------------------------------

  function markOf(value) {
    return value === null || value === undefined ? "unseen"
      : value === 1 ? "full" : value > 0 ? "part" : "zero";
  }

  function row(trial) {
    var kind = markOf(trial.lowest);
    var mark = make("span", "mark " + kind, MARKS[kind]);
    var spoken = make("span", "unseen-text", say("viewer." + kind));
    var clauses = trial.observed.map(function (o) { return o[0]; }).filter(function (name, at, all) {
      return all.indexOf(name) === at && name !== "efficiency";
    });
    var link = make("a", "", mark, spoken,
      make("span", "number", "#" + trial.number),
      make("span", "family", trial.family),
      make("span", "lang", trial.lang),
      make("span", "where", clauses.join(" ")));
    if (trial.outcome !== "completed") {
      link.append(make("span", "bad", say("outcome." + trial.outcome)));
    }
    if (!trial.counts) { link.append(make("span", "bad", say("viewer.uncounted"))); }
    else if (!trial.observed.length) { link.append(make("span", "faint", say("viewer.surplus"))); }
    link.href = "#trial-" + trial.id;
    if (current === trial.id) { link.setAttribute("aria-current", "true"); }
    return make("li", "", link);
  }

  function wanted(trial) {
    var get = function (name) { return form.elements[name] ? form.elements[name].value : ""; };
    var clause = get("clause"), requirement = get("requirement");
    var failed = form.elements.failed.checked;
    if (get("family") && trial.family !== get("family")) { return false; }
    if (get("outcome") && trial.outcome !== get("outcome")) { return false; }
    var seen = trial.observed.filter(function (o) { return !clause || o[0] === clause; });
    if (clause && !seen.length) { return false; }
    if (requirement && !seen.some(function (o) { return o[3].includes(requirement); })) {
      return false;
    }
    if (!failed) { return true; }
    return clause ? seen.some(function (o) { return o[2] !== 1 && o[0] !== "efficiency" || o[2] === null; })
      : trial.short;
  }

  var turn = 0;
  function refresh() {
    turn += 1;
    var mine = turn;
    var found = trials.filter(wanted);
    var text = form.elements.text.value.trim().toLowerCase();
    if (!text) { draw(found); return Promise.resolve(); }
    count.replaceChildren(say("viewer.searching"), "…");
    return Promise.all(found.map(haystack)).then(function (hays) {
      if (mine === turn) {
        draw(found.filter(function (_, at) { return hays[at].includes(text); }));
      }
    }, function () {
      if (mine === turn) { draw(found); }
    });
  }

  function draw(found) {
    shown = found;
    list.replaceChildren.apply(list, found.map(row));
    if (!found.length) { list.replaceChildren(make("li", "small", say("viewer.none"))); }
    count.replaceChildren(fill("viewer.shown", { n: found.length, of: trials.length }));
    step();
  }

  // --- a transcript ---------------------------------------------------------------------------

  function text(value, name) {
    var node = make("pre", name || "said");
    node.dir = "auto";
    var cut = isCut(value) ? value.cut : 0;
    var all = isCut(value) ? value[CUT] : String(value);
    node.textContent = all.length > LONG ? all.slice(0, SHORT) + "…" : all;
    var box = make("div", "text", node);
    if (all.length > LONG) {
      var button = make("button", "more");
      button.type = "button";
      var open = false;
      var label = function () {
        button.replaceChildren(say(open ? "viewer.show_less" : "viewer.show_all"),
          open ? "" : " (" + (all.length + cut).toLocaleString("en") + " ", open ? "" : say("viewer.characters"), open ? "" : ")");
        button.setAttribute("aria-expanded", String(open));
      };
      button.addEventListener("click", function () {
        open = !open;
        node.textContent = open ? all : all.slice(0, SHORT) + "…";
        label();
      });
      label();
      box.append(button);
    }
    if (cut) {
      box.append(make("p", "small", "+ " + cut.toLocaleString("en") + " ",
        say("viewer.characters"), "; ", say("viewer.clipped")));
    }
    return box;
  }

  function json(value, name) {
    if (typeof value === "string" || isCut(value)) { return text(value, name || "code"); }
    var flat = JSON.stringify(value, plain);
    return text(flat.length <= 90 ? flat : JSON.stringify(value, plain, 2), name || "code");
  }

  function plain(_, value) {
    return isCut(value) ? value[CUT] + "… [+" + value.cut + "]" : value;
  }

  function said(message) {
    var content = message.content;
    if (Array.isArray(content)) {
      content = content.map(function (part) {
        return part && typeof part.text === "string" ? part.text : JSON.stringify(part, plain);
      }).join("\n");
    }
    return content === null || content === undefined || content === "" ? null : content;
  }

  function fold(summary, inside) {
    return make("details", "fold", make("summary", "", summary), inside);
  }

  function event(kind, head, time) {
    var node = make("section", "event " + kind);
    var title = make("h4", "", head);
    if (time !== undefined) { title.append(make("span", "time", "+" + time.toFixed(2) + " s")); }
    node.append(title);
    for (var i = 3; i < arguments.length; i += 1) {
      if (arguments[i]) { node.append(arguments[i]); }
    }
    return node;
  }

  function pair(term, value) { return make("div", "", make("dt", "", term), make("dd", "", value)); }

  function roleOf(message) { return String(message.role || message.type || "?").slice(0, 24); }

  function modelCall(item) {
    var call = item.call;
    var sent = make("div", "");
    (call.sent || []).forEach(function (message) {
      sent.append(make("p", "role", roleOf(message)));
      var content = said(message);
      sent.append(content === null ? json(message) : text(content));
    });
    var roles = (call.sent || []).map(roleOf);
    if (call.known) { roles.unshift("+" + call.known); }
    var answer = said(call.received);
    var calls = call.received.tool_calls || [];
    var asks = calls.length ? make("div", "asks-for") : null;
    calls.forEach(function (one) {
      var fn = one && one.function || one || {};
      asks.append(make("p", "small", say("viewer.calls"), " ", make("code", "", String(fn.name || "?"))),
        json(fn.arguments === undefined ? one : fn.arguments));
    });
    var known = function (value) { return value === null || value === undefined ? "–" : String(value); };
    var meta = make("p", "meta", say("viewer.tokens"), " ",
      known(call.usage_source === "none" ? null : call.input_tokens) + " / " +
      known(call.usage_source === "none" ? null : call.output_tokens) + " · ",
      say("viewer.latency"), " " + call.latency_s.toFixed(2) + " s");
    if (call.retries) { meta.append(" · ", say("viewer.retries"), " " + call.retries); }
    if (call.dialect) { meta.append(" · ", make("code", "", String(call.dialect))); }
    if (typeof call.first_token_s === "number") {
      meta.append(" · ", say("viewer.first_token"), " " + call.first_token_s.toFixed(2) + " s");
    }
    if ((call.stripped || []).length) {
      meta.append(" · ", say("viewer.stripped"), " ", make("code", "", call.stripped.join(", ")));
    }
    if (call.finish_reason) { meta.append(" · ", make("code", "", String(call.finish_reason))); }
    return event("model", by(item, say("viewer.model")), item.t,
      roles.length ? fold(make("span", "", say("viewer.sent"), ": " + roles.join(", ")), sent) : null,
      answer === null && asks ? null : answer === null ? make("p", "small", say("viewer.empty")) : text(answer),
      asks,
      call.received.refusal ? json(call.received.refusal) : null,
      meta);
  }

  function toolCall(item) {
    var head = make("span", "", say("viewer.tool"), " ", make("code", "", item.name));
    var isError = item.error !== null;
    var label = make("p", isError ? "small bad" : "small",
      say(isError ? "viewer.error" : "viewer.result"), isError ? " " : "",
      isError ? make("code", "", String(item.error)) : "");
    if (item.effect) { label.append(" · ", say("viewer.effect"), " ", make("code", "", item.effect)); }
    if (item.fault) { label.append(" · ", say("viewer.fault"), " ", make("code", "", item.fault)); }
    var notices = item.notices || [];
    return event(isError ? "tool wrong" : "tool", by(item, head), item.t,
      make("p", "small", say("viewer.arguments")), json(item.arguments), label, json(item.result),
      notices.length ? make("p", "small", say("viewer.notices")) : null,
      notices.length ? json(notices) : null);
  }

  function by(item, head) {
    return item.seat ? make("span", "", make("code", "", item.seat), " · ", head) : head;
  }

  function seats(item) {
    var box = make("div", "");
    (item.seats || []).forEach(function (seat) {
      box.append(make("p", "small", say("viewer.session"), " " + (seat.session + 1) + " · ",
        say("viewer.seat"), " ", make("code", "", seat.seat), " · ", say("viewer.offered"), " ",
        make("code", "", seat.tools.join(" "))), text(seat.instruction));
    });
    return item.seats ? box : text(item.instruction);
  }

  function showEvent(item, trial) {
    switch (item.type) {
      case "start":
        return event("start", say("viewer.instruction"), undefined, seats(item),
          make("p", "small", say("viewer.offered"), " ", make("code", "", item.tools.join(" ")),
            item.forbidden.length ? " · " : "", item.forbidden.length ? say("viewer.forbidden") : "",
            " ", make("code", "", item.forbidden.join(" "))));
      case "model_call": return modelCall(item);
      case "tool_call": return toolCall(item);
      case "answer":
        return event(item.refused ? "answer wrong" : "answer", by(item, say("viewer.answer")), item.t,
          make("p", "small", make("code", "", item.channel)), json(item.answer),
          item.refused ? make("p", "small bad", say("viewer.refused")) : null,
          item.refused ? text(item.refused) : null);
      case "note":
        return event("note", by(item, make("span", "", say("viewer.note"), " · ", say("note." + item.kind))),
          item.t, Object.keys(item.details).length ? json(item.details) : null);
      case "limit":
        return event("limit", say("viewer.limit"), item.t, make("p", "", say("cause." + item.limit)));
      case "end":
        return event("end", say("viewer.end"), item.t,
          make("p", "", say("outcome." + item.outcome), " · ", say("cause." + item.cause)),
          trial.detail ? text(trial.detail) : null);
      default:
        return event("note", make("code", "", String(item.type)), item.t, json(item));
    }
  }

  function observed(lines) {
    var box = make("div", "observed", make("h4", "", say("viewer.observed")));
    if (!lines.length) { box.append(make("p", "small", say("viewer.unobserved"))); }
    lines.forEach(function (line) {
      var isCost = line[0] === "efficiency";
      var kind = isCost ? (line[2] === null ? "zero" : "full") : markOf(line[2] || 0);
      var name = isCost ? make("span", "code", say("viewer.efficiency")) : make("a", "code", line[0]);
      if (!isCost) { name.href = "#clause-" + line[0]; }
      var value = line[2] === null ? "–" : (isCost ? "κ = " : "") + String(Math.round(line[2] * 1000) / 1000);
      box.append(make("p", "", make("span", "mark " + kind, MARKS[kind]), " ", name,
        make("span", "small", " " + line[1] + " · "), value));
      if (line[3].length) {
        var findings = make("ul", "findings");
        line[3].forEach(function (finding) {
          var item = make("li", "", make("code", "", finding[0]), " ");
          item.append(text(finding[1], "finding"));
          findings.append(item);
        });
        box.append(findings);
      }
    });
    return box;
  }

  function header(trial, start) {
    var facts = make("dl", "trial-facts",
      pair(say("viewer.family"), make("code", "", trial.family)),
      pair(say("viewer.lang"), say(trial.lang === "zh" ? "viewer.lang_zh" : "viewer.lang_en")));
    if (start) {
      facts.append(pair(say("viewer.wording"), String(start.wording)),
        pair(say("viewer.knobs"), make("code", "", JSON.stringify(start.knobs, plain))));
    }
    facts.append(
      pair(say("viewer.outcome"), make("span", trial.outcome === "completed" ? "" : "bad",
        say("outcome." + trial.outcome), " · ", say("cause." + trial.cause))),
      pair(say("viewer.model_calls"), String(trial.model_calls)),
      pair(say("viewer.tool_calls"), String(trial.tool_calls)),
      pair(say("viewer.wall"), trial.wall_s.toFixed(2) + " s"));
    return facts;
  }

  function mover(key, to) {
    var link = make("a", "mover", say(key));
    if (to) { link.href = "#trial-" + to.id; } else { link.setAttribute("aria-disabled", "true"); }
    return link;
  }

  function step() {
    var bar = reading.querySelector(".moves");
    if (!bar) { return; }
    var at = shown.findIndex(function (trial) { return trial.id === current; });
    var back = make("a", "mover to-list", say("viewer.to_list"));
    back.href = "#trials";
    bar.replaceChildren(mover("viewer.previous", at > 0 ? shown[at - 1] : null),
      mover("viewer.next", at >= 0 ? shown[at + 1] : null), back);
  }

  function show(trial) {
    current = trial.id;
    list.querySelectorAll("a").forEach(function (link) {
      var isIt = link.getAttribute("href") === "#trial-" + trial.id;
      if (isIt) {
        link.setAttribute("aria-current", "true");
        if (link.offsetTop < list.scrollTop || link.offsetTop > list.scrollTop + list.clientHeight - 40) {
          list.scrollTop = Math.max(0, link.offsetTop - list.clientHeight / 3);
        }
      } else { link.removeAttribute("aria-current"); }
    });
    var head = make("div", "reading-head",
      make("h3", "", say("viewer.trial"), " #" + trial.number + " ", make("span", "code small", trial.id)),
      make("p", "moves"));
    var path = make("code", "", "run/transcripts/" + trial.id + ".jsonl");
    var place = function () {
      reading.replaceChildren.apply(reading, [head].concat(Array.from(arguments)));
      reading.scrollTop = 0;
      step();
    };
    if (trial.place === null) {
      place(header(trial, null), make("p", "small", say("viewer.not_embedded"), " ", path));
      return Promise.resolve();
    }
    return content(trial).then(function (found) {
      if (current !== trial.id) { return; }
      var start = found.events.find(function (item) { return item.type === "start"; });
      var events = make("div", "events");
      found.events.forEach(function (item) { events.append(showEvent(item, found)); });
      place(header(trial, start), observed(found.observed), events);
    }, function () {
      place(header(trial, null), make("p", "small", say("viewer.unreadable"), " ", path));
    });
  }

  // --- addresses ------------------------------------------------------------------------------

  function follow() {
    var hash = location.hash;
    var trial = hash.startsWith("#trial-") ? byId.get(hash.slice(7)) : null;
    if (trial) {
      show(trial).then(function () {
        reading.scrollIntoView({ block: "start" });
        reading.focus({ preventScroll: true });
      });
    } else if (hash.startsWith("#find?")) {
      form.reset();
      new URLSearchParams(hash.slice(6)).forEach(function (value, name) {
        var field = form.elements[name];
        if (!field) { return; }
        if (field.type === "checkbox") { field.checked = true; } else { field.value = value; }
      });
      refresh();
      document.getElementById("trials").scrollIntoView({ block: "start" });
    } else if (hash.length > 1) {
      var target = document.getElementById(decodeURIComponent(hash.slice(1)));
      var folded = target && target.closest("details");
      if (folded) { folded.open = true; target.scrollIntoView({ block: "center" }); }
    }
  }

  var timer = 0;
  form.addEventListener("submit", function (happening) { happening.preventDefault(); });
  form.addEventListener("input", function (happening) {
    clearTimeout(timer);
    timer = setTimeout(refresh, happening.target.name === "text" ? 200 : 0);
  });
  form.addEventListener("reset", function () { setTimeout(refresh, 0); });
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
  follow();
})();
