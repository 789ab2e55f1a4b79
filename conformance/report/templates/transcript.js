"use strict";
// Draws one transcript. What an agent said reaches the page through textContent alone.
var transcript = (function () {
  var make = page.make, say = page.say;
  var LONG = 1500;
  var SHORT = 1000;
  var MARKS = { full: "●", part: "◐", zero: "✕", unseen: "–" };

  function markOf(value) {
    return value === null || value === undefined ? "unseen"
      : value === 1 ? "full" : value > 0 ? "part" : "zero";
  }

  function text(value, name) {
    var node = make("pre", name || "said");
    node.dir = "auto";
    var cut = blocks.isCut(value) ? value.cut : 0;
    var all = blocks.isCut(value) ? blocks.textOf(value) : String(value);
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
    if (typeof value === "string" || blocks.isCut(value)) { return text(value, name || "code"); }
    var flat = JSON.stringify(value, plain);
    return text(flat.length <= 90 ? flat : JSON.stringify(value, plain, 2), name || "code");
  }

  function plain(_, value) {
    return blocks.isCut(value) ? blocks.textOf(value) + "… [+" + value.cut + "]" : value;
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

  // An event that is not as this page expects is shown as it is.
  function events(found) {
    var box = make("div", "events");
    found.events.forEach(function (item) {
      try { box.append(showEvent(item, found)); } catch (error) {
        box.append(event("note", make("code", "", String(item && item.type)), undefined, json(item)));
      }
    });
    return box;
  }

  return { header: header, observed: observed, events: events, markOf: markOf, MARKS: MARKS };
})();
