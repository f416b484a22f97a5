(function () {
  "use strict";
  var form = document.getElementById("filters");
  if (form) {
    var findings = Array.prototype.map.call(document.querySelectorAll(".finding"), function (node) {
      var file = node.closest(".file");
      var path = file.querySelector("h3 > code").textContent;
      return {
        node: node,
        file: file,
        text: (path + " " + node.textContent).toLowerCase().replace(/\s+/g, " "),
      };
    });
    var files = document.querySelectorAll(".file");
    var count = document.getElementById("count");
    var nothing = document.getElementById("nothing");
    var resets = document.querySelectorAll("[data-reset]");

    var apply = function () {
      var words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
      var code = form.elements.code.value;
      var key = form.elements.file.value;
      var levels = {};
      form.querySelectorAll("input[name=level]").forEach(function (box) {
        levels[box.value] = box.checked;
      });
      var shown = 0;
      findings.forEach(function (one) {
        var data = one.node.dataset;
        var keep = levels[data.level] &&
          (!code || data.code === code) &&
          (!key || one.file.dataset.file === key) &&
          words.every(function (word) { return one.text.indexOf(word) >= 0; });
        one.node.hidden = !keep;
        shown += keep ? 1 : 0;
      });
      files.forEach(function (file) {
        file.hidden = !file.querySelector(".finding:not([hidden])");
      });
      var all = shown === findings.length;
      count.textContent = all ? findings.length + " shown" : shown + " of " + findings.length + " shown";
      nothing.hidden = shown > 0;
      form.querySelector("[data-reset]").hidden = all;
    };

    var reset = function () {
      form.reset();
      apply();
    };

    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("change", apply);
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    resets.forEach(function (button) {
      button.addEventListener("click", function () {
        reset();
        form.elements.text.focus();
      });
    });
    /* A link to a finding that is filtered away brings it back. */
    var follow = function () {
      var target = location.hash && document.getElementById(location.hash.slice(1));
      if (target && target.hidden) {
        reset();
        target.scrollIntoView();
      }
    };
    window.addEventListener("hashchange", follow);
    window.addEventListener("pageshow", apply);
    apply();
  }

  /* On paper nothing can be opened. */
  var opened = [];
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details:not([open])").forEach(function (one) {
      one.open = true;
      opened.push(one);
    });
  });
  window.addEventListener("afterprint", function () {
    opened.splice(0).forEach(function (one) { one.open = false; });
  });
})();
