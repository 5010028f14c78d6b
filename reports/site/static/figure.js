// The crop as a figure for a paper: whole images with the visible window framed, the window enlarged below each.
"use strict";
window.FB = window.FB || {};
(() => {
  const GAP = 8;
  const TEXT = 26;
  const MOST = 4; // images per row
  const load = (address) => new Promise((done) => {
    const image = new Image();
    image.onload = () => done(image);
    image.onerror = () => done(null);
    image.src = address;
  });
  const fit = (pen, text, width) => {
    let shown = text;
    while (shown.length > 1 && pen.measureText(shown).width > width) shown = shown.slice(0, -2) + "…";
    return shown;
  };

  // items: {address, overlay (a function that draws on a canvas, or null), title}; zoom: {scale, x, y} as shares.
  FB.figure = async (items, zoom) => {
    const loaded = (await Promise.all(items.map(async (item) => ({ ...item, image: await load(item.address) })))).filter((item) => item.image);
    if (!loaded.length) return null;
    const w = loaded[0].image.naturalWidth;
    const h = loaded[0].image.naturalHeight;
    const zoomed = zoom.scale > 1;
    const tall = (zoomed ? 2 * h + GAP : h) + TEXT;
    const columns = Math.min(MOST, loaded.length);
    const rows = Math.ceil(loaded.length / columns);
    const canvas = document.createElement("canvas");
    canvas.width = columns * w + (columns - 1) * GAP;
    canvas.height = rows * tall + (rows - 1) * GAP;
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    const [sx, sy, sw, sh] = [(-zoom.x / zoom.scale) * w, (-zoom.y / zoom.scale) * h, w / zoom.scale, h / zoom.scale];
    for (const [index, { image, over, title }] of loaded.entries()) {
      const left = (index % columns) * (w + GAP);
      const top = Math.floor(index / columns) * (tall + GAP);
      const whole = document.createElement("canvas");
      whole.width = w;
      whole.height = h;
      whole.getContext("2d").drawImage(image, 0, 0, w, h);
      if (over) await over(whole);
      pen.drawImage(whole, left, top);
      if (zoomed) {
        pen.strokeStyle = "#ff1744";
        pen.lineWidth = Math.max(2, w / 320);
        pen.strokeRect(left + sx, top + sy, sw, sh);
        pen.imageSmoothingEnabled = false;
        pen.drawImage(whole, sx, sy, sw, sh, left, top + h + GAP, w, h);
        pen.strokeRect(left + 1, top + h + GAP + 1, w - 2, h - 2);
      }
      pen.fillStyle = "#000";
      pen.font = "18px sans-serif";
      pen.textAlign = "center";
      pen.fillText(fit(pen, title, w), left + w / 2, top + tall - 7);
    }
    return canvas;
  };
})();
