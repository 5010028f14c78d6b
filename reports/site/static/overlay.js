// Boxes drawn on a canvas: found, false and missed objects, and labels.
"use strict";
window.FB = window.FB || {};
(() => {
  const colours = { hit: "#00c853", false: "#ff9100", missed: "#ff1744", truth: "#40c4ff" };
  const dashes = { missed: [2, 3], false: [6, 3] };

  // boxes: [x0, y0, x1, y1 (shares of width and height), class, score or null, state]; unit: canvas pixels per shown pixel.
  FB.drawBoxes = (canvas, boxes, unit) => {
    const { width, height } = canvas;
    const pen = canvas.getContext("2d");
    const size = Math.round(11 * unit);
    pen.lineWidth = 1.6 * unit;
    pen.font = `${size}px sans-serif`;
    const taken = []; // texts that stand already: no other is written over them
    for (const [x0, y0, x1, y1, label, score, state] of [...boxes].sort((a, b) => (b[5] ?? 0) - (a[5] ?? 0))) {
      pen.strokeStyle = colours[state];
      pen.setLineDash((dashes[state] || []).map((n) => n * unit));
      pen.strokeRect(x0 * width, y0 * height, (x1 - x0) * width, (y1 - y0) * height);
      if (score === null) continue;
      const text = `${label} ${score}`;
      const below = y0 * height - 3 * unit > size ? y0 * height - 3 * unit : Math.min(height - 2, y1 * height + size);
      const [left, right] = [x0 * width, x0 * width + pen.measureText(text).width + 4];
      if (taken.some(([a, b, at]) => left < b && right > a && Math.abs(at - below) < size + 3)) continue;
      taken.push([left, right, below]);
      pen.fillStyle = "rgb(0 0 0 / .6)";
      pen.fillRect(left, below - size, right - left, size + 3);
      pen.fillStyle = colours[state];
      pen.fillText(text, left + 2, below);
    }
  };
})();
