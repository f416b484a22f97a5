/* Texts whose contrast against what lies behind them is below WCAG's level AA. */
function parts(text) {
  var found = text.match(/[\d.]+/g).map(Number);
  return found.length < 4 ? found.concat(1) : found;
}
function over(top, below) {
  var a = top[3];
  return [0, 1, 2].map(function (i) { return top[i] * a + below[i] * (1 - a); }).concat(1);
}
function behind(node) {
  var layers = [];
  for (; node; node = node.parentElement) {
    var colour = parts(getComputedStyle(node).backgroundColor);
    if (colour[3] > 0) layers.push(colour);
    if (colour[3] === 1) break;
  }
  return layers.reverse().reduce(function (below, top) { return over(top, below); }, [255, 255, 255, 1]);
}
function luminance(colour) {
  var linear = colour.slice(0, 3).map(function (part) {
    part /= 255;
    return part <= 0.04045 ? part / 12.92 : Math.pow((part + 0.055) / 1.055, 2.4);
  });
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}
var poor = {};
var walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  var node = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !node.getClientRects().length) continue;
  if (node.closest("script, style, title, option, .away")) continue;
  var style = getComputedStyle(node);
  var back = behind(node);
  var front = over(parts(node.ownerSVGElement ? style.fill : style.color), back);
  var pair = [luminance(front), luminance(back)].sort();
  var ratio = (Math.max.apply(null, pair) + 0.05) / (Math.min.apply(null, pair) + 0.05);
  var size = parseFloat(style.fontSize);
  var large = size >= 24 || (size >= 18.66 && style.fontWeight >= 600);
  if (ratio < (large ? 3 : 4.5)) {
    poor[node.tagName + "." + (node.getAttribute("class") || "") + " " + style.color + " on " + back.join()] = ratio;
  }
}
return Object.keys(poor).map(function (key) { return key + ": " + poor[key].toFixed(2); });
