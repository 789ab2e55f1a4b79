"use strict";
// Makes nodes, and says the page's texts in both languages; the style sheet shows the one chosen.
var page = (function () {
  var words = JSON.parse(document.getElementById("words").textContent);

  function make(tag, name) {
    var node = document.createElement(tag);
    if (name) { node.className = name; }
    for (var i = 2; i < arguments.length; i += 1) {
      var child = arguments[i];
      if (child !== null && child !== undefined) { node.append(child); }
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

  return { make: make, say: say, fill: fill };
})();
