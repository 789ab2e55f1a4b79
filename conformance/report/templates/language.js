"use strict";
// Chooses the language before anything is painted; the switch remembers.
(function () {
  var root = document.documentElement;
  var KEY = "conformance.lang";
  function remembered() {
    try { return localStorage.getItem(KEY); } catch (error) { return null; }
  }
  function apply(lang) {
    root.dataset.lang = lang;
    root.lang = lang === "zh" ? "zh-CN" : "en";
    document.title = lang === "zh" ? root.dataset.titleZh : root.dataset.titleEn;
    document.querySelectorAll("option[data-zh]").forEach(function (option) {
      option.textContent = option.dataset[lang];
    });
  }
  var lang = remembered();
  if (lang !== "zh" && lang !== "en") {
    lang = /^zh/i.test(navigator.language || "") ? "zh" : "en";
  }
  apply(lang);
  document.addEventListener("DOMContentLoaded", function () {
    apply(root.dataset.lang);
    var button = document.getElementById("switch");
    button.hidden = false;
    button.addEventListener("click", function () {
      var next = root.dataset.lang === "zh" ? "en" : "zh";
      apply(next);
      try { localStorage.setItem(KEY, next); } catch (error) { /* not remembered, that is all */ }
    });
  });
})();
