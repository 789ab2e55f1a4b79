"use strict";
// Chooses a table, filters and sorts its lines; what was chosen stands in the address, after `#`.
// Everything shown is in the page already: this hides, orders, and never writes what a vendor wrote.
(function () {
  var root = document.documentElement;
  var boards = Array.from(document.querySelectorAll(".board"));
  var chooser = document.getElementById("choose");
  var NAMES = ["q", "level", "class", "tasks", "model"];
  var state = {};

  function read() {
    var given = new URLSearchParams(location.hash.slice(1));
    state = { off: (given.get("off") || "").split(",").filter(Boolean) };
    ["board", "sort", "order"].concat(NAMES).forEach(function (name) {
      state[name] = given.get(name) || "";
    });
    return given.get("ui");
  }

  function write() {
    var shown = new URLSearchParams();
    ["board"].concat(NAMES, ["sort", "order"]).forEach(function (name) {
      if (state[name]) { shown.set(name, state[name]); }
    });
    if (state.off.length) { shown.set("off", state.off.join(",")); }
    var text = shown.toString();
    history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
  }

  // --- which table ------------------------------------------------------------------------------

  function current() {
    return boards.find(function (board) { return board.dataset.board === state.board; }) || boards[0];
  }

  function show() {
    var chosen = current();
    boards.forEach(function (board) { board.hidden = board !== chosen; });
    if (chooser) { chooser.value = chosen.dataset.board; }
    var form = chosen.querySelector(".filters");
    NAMES.forEach(function (name) {
      var field = form.elements[name];
      field.value = state[name];
      // A value that this table does not have selects nothing: it then asks for nothing either.
      if (field.value !== state[name]) { field.value = ""; state[name] = ""; }
    });
    filter(chosen);
    sort(chosen);
    curves(chosen);
  }

  // --- filters ----------------------------------------------------------------------------------

  function plain(text) { return text.normalize("NFKC").toLowerCase(); }

  function fits(line) {
    var data = line.dataset;
    return plain(state.q).split(/\s+/).every(function (word) {
      return plain(data.find).includes(word);
    }) && (!state.level || Number(data.level) >= Number(state.level))
      && (!state["class"] || data["class"] === state["class"])
      && (!state.tasks || data.langs.split(" ").includes(state.tasks))
      && (!state.model || data.model === state.model);
  }

  function filter(board) {
    var kept = new Set();
    var lines = board.querySelectorAll(".sortable tbody tr");
    lines.forEach(function (line) {
      line.hidden = !fits(line);
      if (!line.hidden) { kept.add(line.dataset.key); }
    });
    board.querySelectorAll(".board-table").forEach(function (table) {
      table.nextElementSibling.hidden = Boolean(table.querySelector("tbody tr:not([hidden])"));
    });
    board.querySelectorAll(".plots [data-key]").forEach(function (item) {
      item.toggleAttribute("hidden", !kept.has(item.dataset.key));
    });
    board.querySelectorAll(".front-line").forEach(function (line) {
      line.classList.toggle("faded", kept.size < lines.length);
    });
    board.querySelectorAll(".count [data-pattern]").forEach(function (text) {
      text.textContent = text.dataset.pattern
        .replace("{shown}", kept.size).replace("{n}", lines.length);
    });
  }

  // --- order ------------------------------------------------------------------------------------

  function compare(sign, isText) {
    return function (one, other) {
      // What is not known stands last, whichever way the others go; money is ordered by currency.
      if (!one.known || !other.known) { return other.known - one.known || one.at - other.at; }
      var unit = one.unit.localeCompare(other.unit);
      var by = isText
        ? one.value.localeCompare(other.value, root.lang)
        : Number(one.value) - Number(other.value);
      return unit || sign * by || one.at - other.at;
    };
  }

  function sort(board) {
    board.querySelectorAll(".sortable").forEach(function (table) {
      var body = table.tBodies[0];
      var by = table.querySelector('th[data-column="' + CSS.escape(state.sort || "rank") + '"]');
      var sign = state.order === "down" ? -1 : 1;
      table.querySelectorAll("th[data-column][scope=col]").forEach(function (head) {
        if (head === by) {
          head.setAttribute("aria-sort", sign < 0 ? "descending" : "ascending");
        } else {
          head.removeAttribute("aria-sort");
        }
      });
      var lines = Array.from(body.rows).map(function (line, at) {
        if (!line.dataset.at) { line.dataset.at = at; }
        var cell = by && line.querySelector('[data-column="' + by.dataset.column + '"]');
        var value = cell ? cell.dataset.value : undefined;
        return {
          line: line, at: Number(line.dataset.at), value: value,
          known: value !== undefined, unit: (cell && cell.dataset.unit) || "",
        };
      });
      lines.sort(by ? compare(sign, by.hasAttribute("data-text")) : function (one, other) {
        return one.at - other.at;
      });
      body.append.apply(body, lines.map(function (item) { return item.line; }));
    });
  }

  // --- curves -----------------------------------------------------------------------------------

  function curves(board) {
    board.querySelectorAll("[data-curve]").forEach(function (item) {
      var off = state.off.includes(item.dataset.curve);
      if (item.type === "checkbox") { item.checked = !off; } else { item.toggleAttribute("hidden", off); }
    });
  }

  // --- what the reader does ---------------------------------------------------------------------

  function changed() { write(); show(); }

  boards.forEach(function (board) {
    var form = board.querySelector(".filters");
    form.hidden = false;
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    form.addEventListener("input", function (event) {
      if (NAMES.includes(event.target.name)) { state[event.target.name] = event.target.value; changed(); }
    });
    form.querySelector(".clear").addEventListener("click", function () {
      NAMES.forEach(function (name) { state[name] = ""; });
      changed();
    });
    board.addEventListener("click", function (event) {
      var button = event.target.closest(".sorter");
      if (!button) { return; }
      var same = state.sort === button.dataset.sort;
      // Up, down, and back to the order of the ranks.
      state.sort = same && state.order === "down" ? "" : button.dataset.sort;
      state.order = same && state.order !== "down" ? "down" : "";
      changed();
    });
    board.addEventListener("change", function (event) {
      var key = event.target.dataset.curve;
      if (!key) { return; }
      state.off = state.off.filter(function (other) { return other !== key; });
      if (!event.target.checked) { state.off.push(key); }
      changed();
    });
  });
  if (chooser) {
    chooser.closest(".chooser").hidden = false;
    chooser.addEventListener("change", function () { state.board = chooser.value; changed(); });
  }

  // Links within the page move the view and the focus; they do not replace what was chosen.
  document.addEventListener("click", function (event) {
    var link = event.target.closest('a[href^="#"]');
    if (!link) { return; }
    var name = link.getAttribute("href").slice(1);
    var place = boards.length ? current().querySelector('[data-part="' + CSS.escape(name) + '"]') : null;
    place = place || document.getElementById(name);
    if (!place) { return; }
    event.preventDefault();
    if (place.tagName === "DETAILS") { place.open = true; }
    place.scrollIntoView();
    (place.querySelector(":scope > summary") || place).focus({ preventScroll: true });
  });

  // Some browsers keep what is remembered apart for each file on disk: the address hands it on.
  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[href]");
    if (!link || location.protocol !== "file:") { return; }
    var page = link.getAttribute("href");
    if (/^(\.\.\/)?(agents\/[^#]*|index)\.html$/.test(page.split("#")[0])) {
      link.setAttribute("href", page.split("#")[0] + "#ui=" + root.dataset.lang);
    }
  }, true);

  var wanted = read();
  // The switch listens from this event on, as was asked for before.
  document.addEventListener("DOMContentLoaded", function () {
    if ((wanted === "zh" || wanted === "en") && wanted !== root.dataset.lang) {
      document.getElementById("switch").click();
    }
  });
  if (boards.length) {
    show();
    window.addEventListener("hashchange", function () { read(); show(); });
  } else if (/^#s-[0-9a-f]+$/.test(location.hash)) {
    var place = document.getElementById(location.hash.slice(1));
    if (place) { place.open = true; place.scrollIntoView(); }
  }
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (fold) { fold.open = true; });
  });
})();
