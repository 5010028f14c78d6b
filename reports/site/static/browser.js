// The image browser: all images of a pair side by side, two under a slider or flickering, zoomed and moved together.
"use strict";
(() => {
  const form = document.querySelector("[data-browser]");
  const galleries = (window.FB && FB.galleries) || [];
  if (!form || !galleries.length) return;
  form.hidden = false;
  const $ = (name) => form.querySelector(`[data-${name}]`);
  const stage = document.getElementById("stage");
  const said = document.querySelector("[data-said]");
  const legend = document.querySelector("[data-legend]");
  const keys = document.querySelector("[data-classes]");
  const state = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const zoom = { scale: Number(state.scale) || 1, x: Number(state.dx) || 0, y: Number(state.dy) || 0 };
  const colours = { hit: "#00c853", false: "#ff9100", missed: "#ff1744", truth: "#40c4ff" };
  let timer = 0;

  const gallery = () => galleries.find((g) => g.name === $("gallery").value) || galleries[0];
  const boards = () => FB.boards.filter((b) => b.dataset === gallery().dataset && b.split === gallery().split);
  const options = (select, list, wanted) => {
    select.replaceChildren(...list.map(([value, text]) => new Option(text, value)));
    select.value = list.some(([value]) => value === wanted) ? wanted : (list[0] || [""])[0];
  };
  const titles = () => new Map(gallery().layers.map((layer) => [layer.key, layer.title]));

  function order() {
    const names = Object.keys(gallery().files);
    const [kind, board, key] = $("sort").value.split("|");
    if (kind === "errors") {
      const wrong = (name) => (((gallery().errors[board] || {})[name] || {})[$("right").value]) ?? -1;
      return names.sort((a, b) => wrong(b) - wrong(a));
    }
    const found = boards().find((b) => b.name === board);
    if (!found || !found.values[key]) return names;
    const at = new Map(found.images.map((name, index) => [name, index]));
    const value = (name, entrant) => (found.values[key][entrant] || [])[at.get(name)];
    const [left, right] = [$("left").value, $("right").value];
    const worth = (name) => {
      const b = value(name, right);
      if (kind === "value") return b ?? Infinity;
      const a = value(name, left);
      return a == null || b == null ? -Infinity : Math.abs(b - a);
    };
    return names.sort((a, b) => (kind === "value" ? worth(a) - worth(b) : worth(b) - worth(a)));
  }
  function fillGallery() {
    const g = gallery();
    const layers = g.layers.map((layer) => [layer.key, layer.title]);
    options($("left"), layers, state.left || "visible");
    options($("right"), layers, state.right || layers[layers.length - 1][0]);
    const sorts = [["name", "name"]];
    boards().forEach((b) => b.columns.forEach((c) => {
      if (!Object.keys(b.values[c.key] || {}).length) return;
      sorts.push([`value|${b.name}|${c.key}`, `${c.heading} of the right image, lowest first`]);
      sorts.push([`difference|${b.name}|${c.key}`, `difference in ${c.heading}, largest first`]);
    }));
    Object.keys(g.errors).forEach((p) => sorts.push(["errors|" + p, `task errors of the right image (${p.split("@")[0]}), most first`]));
    options($("sort"), sorts, state.sort);
    const overlays = [["", "none"]];
    Object.keys(g.boxes).forEach((p) => overlays.push(["boxes|" + p, "boxes: " + p.split("@")[0]]));
    Object.keys(g.masks).forEach((p) => overlays.push(["masks|" + p, "masks: " + p.split("@")[0]]));
    options($("overlay"), overlays, state.overlay);
    fillImages();
  }
  function fillImages() {
    options($("image"), order().map((name) => [name, name]), state.image);
  }
  function remember() {
    for (const name of ["gallery", "sort", "image", "left", "right", "overlay", "view"]) state[name] = $(name).value;
    Object.assign(state, zoom.scale === 1 ? { scale: "", dx: "", dy: "" } : { scale: zoom.scale.toFixed(3), dx: zoom.x.toFixed(4), dy: zoom.y.toFixed(4) });
    history.replaceState(null, "", "#" + new URLSearchParams(Object.entries(state).filter(([, v]) => v)));
  }
  function place() {
    stage.querySelectorAll(".frame > *").forEach((el) => {
      const width = el.parentElement.clientWidth;
      const height = el.parentElement.clientHeight;
      el.style.transform = `translate(${zoom.x * width}px, ${zoom.y * height}px) scale(${zoom.scale})`;
    });
  }
  function zoomBy(factor, cx = 0.5, cy = 0.5) {
    const scale = Math.min(16, Math.max(1, zoom.scale * factor));
    const ratio = scale / zoom.scale;
    zoom.x = Math.min(0, Math.max(1 - scale, cx - (cx - zoom.x) * ratio));
    zoom.y = Math.min(0, Math.max(1 - scale, cy - (cy - zoom.y) * ratio));
    zoom.scale = scale;
    place();
    remember();
  }
  function picture(layer) {
    const g = gallery();
    const image = document.createElement("img");
    image.src = g.files[$("image").value][layer] || "";
    image.alt = `${titles().get(layer)}, image ${$("image").value}`;
    image.draggable = false;
    image.addEventListener("load", place);
    return image;
  }
  function overlay(frame, layer) {
    const [kind, protocol] = $("overlay").value.split("|");
    if (!kind) return;
    const name = $("image").value;
    if (kind === "masks") {
      const own = (gallery().masks[protocol] || {})[name] || {};
      const file = own[layer] || (layer === "infrared" || layer === "visible" ? own.truth : "");
      if (!file) return;
      const mask = document.createElement("img");
      mask.src = file;
      mask.alt = "";
      mask.className = "over";
      frame.append(mask);
      return;
    }
    const own = ((gallery().boxes[protocol] || {})[name] || {});
    const boxes = own[layer] || (layer === "infrared" || layer === "visible" ? own.truth : null);
    if (!boxes) return;
    const canvas = document.createElement("canvas");
    canvas.className = "over";
    canvas.width = 1280;
    canvas.height = 960;
    canvas.dataset.boxes = boxes.length;
    const pen = canvas.getContext("2d");
    for (const [x0, y0, x1, y1, label, score, kind_] of boxes) {
      pen.strokeStyle = colours[kind_];
      pen.lineWidth = 3;
      pen.setLineDash(kind_ === "missed" ? [4, 6] : kind_ === "false" ? [10, 6] : []);
      pen.strokeRect(x0 * 1280, y0 * 960, (x1 - x0) * 1280, (y1 - y0) * 960);
      if (score !== null) { pen.fillStyle = colours[kind_]; pen.font = "22px sans-serif"; pen.fillText(`${label} ${score}`, x0 * 1280, Math.max(20, y0 * 960 - 5)); }
    }
    frame.append(canvas);
  }
  function framed(layer, caption) {
    const figure = document.createElement("figure");
    const frame = document.createElement("div");
    frame.className = "frame";
    frame.append(picture(layer));
    overlay(frame, layer);
    const text = document.createElement("figcaption");
    text.textContent = caption;
    figure.append(frame, text);
    return figure;
  }
  function draw() {
    clearInterval(timer);
    const view = $("view").value;
    const names = titles();
    const [left, right] = [$("left").value, $("right").value];
    stage.classList.toggle("one", view !== "grid");
    legend.hidden = !$("overlay").value.startsWith("boxes");
    keys.hidden = !$("overlay").value.startsWith("masks") && !$("overlay").value.startsWith("truth");
    keys.replaceChildren(...gallery().classes.map(([name, colour]) => {
      const item = document.createElement("span");
      item.textContent = name;
      item.style.borderColor = colour;
      return item;
    }));
    if (!$("image").value) { stage.replaceChildren(); said.textContent = "This run has no images to show."; return; }
    if (view === "grid") {
      const there = gallery().files[$("image").value];
      stage.replaceChildren(...gallery().layers.filter((l) => there[l.key]).map((l) => framed(l.key, l.title)));
    } else if (view === "flicker") {
      const figure = framed(left, names.get(left));
      stage.replaceChildren(figure);
      let second = false;
      timer = setInterval(() => {
        second = !second;
        const layer = second ? right : left;
        const next = framed(layer, names.get(layer));
        figure.replaceChildren(...next.childNodes);
        place();
      }, 700);
    } else {
      const slider = document.createElement("img-comparison-slider");
      slider.setAttribute("aria-label", `${names.get(left)} against ${names.get(right)}`);
      [["first", left], ["second", right]].forEach(([slot, layer]) => {
        const frame = document.createElement("div");
        frame.slot = slot;
        frame.className = "frame";
        frame.append(picture(layer));
        overlay(frame, layer);
        slider.append(frame);
      });
      const figure = document.createElement("figure");
      const text = document.createElement("figcaption");
      text.textContent = `${names.get(left)} | ${names.get(right)}`;
      figure.append(slider, text);
      stage.replaceChildren(figure);
    }
    place();
    remember();
  }
  function step(by) {
    const list = [...$("image").options].map((o) => o.value);
    $("image").value = list[(list.indexOf($("image").value) + by + list.length) % list.length];
    draw();
  }
  async function crop() {
    // Both images of the comparison: whole, with the visible window framed, and the window enlarged below.
    const layers = [$("left").value, $("right").value];
    const images = await Promise.all(layers.map((layer) => new Promise((done) => { const i = picture(layer); i.onload = () => done(i); i.onerror = () => done(null); })));
    const real = images.filter(Boolean);
    if (!real.length) return;
    const [w, h] = [real[0].naturalWidth, real[0].naturalHeight];
    const canvas = document.createElement("canvas");
    canvas.width = real.length * w + (real.length - 1) * 8;
    canvas.height = 2 * h + 40;
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    const [sx, sy, sw, sh] = [(-zoom.x / zoom.scale) * w, (-zoom.y / zoom.scale) * h, w / zoom.scale, h / zoom.scale];
    real.forEach((image, index) => {
      const left = index * (w + 8);
      pen.drawImage(image, left, 0);
      pen.strokeStyle = "#ff1744";
      pen.lineWidth = 2;
      pen.strokeRect(left + sx, sy, sw, sh);
      pen.drawImage(image, sx, sy, sw, sh, left, h + 8, w, h);
      pen.fillStyle = "#000";
      pen.font = "18px sans-serif";
      pen.fillText(titles().get(layers[index]), left + 4, 2 * h + 32);
    });
    try {
      const link = document.createElement("a");
      link.download = `${$("image").value}.png`;
      link.href = canvas.toDataURL("image/png");
      link.click();
      said.textContent = "Saved.";
    } catch (error) {
      said.textContent = "A page opened from disk may not read images back. Show the site with `fusionbench view RUN` and save again.";
    }
  }
  let drag = null;
  stage.addEventListener("wheel", (event) => {
    const frame = event.target.closest(".frame");
    if (!frame) return;
    event.preventDefault();
    const box = frame.getBoundingClientRect();
    zoomBy(event.deltaY < 0 ? 1.25 : 0.8, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  }, { passive: false });
  stage.addEventListener("pointerdown", (event) => {
    const frame = event.target.closest(".frame");
    if (frame && $("view").value !== "slider") drag = { x: event.clientX, y: event.clientY, frame };
  });
  addEventListener("pointermove", (event) => {
    if (!drag) return;
    zoom.x = Math.min(0, Math.max(1 - zoom.scale, zoom.x + (event.clientX - drag.x) / drag.frame.clientWidth));
    zoom.y = Math.min(0, Math.max(1 - zoom.scale, zoom.y + (event.clientY - drag.y) / drag.frame.clientHeight));
    drag.x = event.clientX;
    drag.y = event.clientY;
    place();
  });
  addEventListener("pointerup", () => { if (drag) remember(); drag = null; });
  addEventListener("resize", place);
  addEventListener("keydown", (event) => {
    if (event.target.closest("select, input, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    const inSlider = event.target.closest("img-comparison-slider");
    const views = { g: "grid", s: "slider", f: "flicker" };
    const key = event.key.toLowerCase();
    if (event.key === "ArrowRight" && !inSlider) step(1);
    else if (event.key === "ArrowLeft" && !inSlider) step(-1);
    else if (key === "+" || key === "=") zoomBy(1.25);
    else if (key === "-") zoomBy(0.8);
    else if (key === "0") zoomBy(0.001);
    else if (views[key]) { $("view").value = views[key]; draw(); }
    else return;
    event.preventDefault();
  });
  $("gallery").addEventListener("change", () => { state.image = state.sort = ""; fillGallery(); draw(); });
  $("sort").addEventListener("change", () => { state.image = ""; fillImages(); draw(); });
  for (const name of ["left", "right"]) $(name).addEventListener("change", () => {
    const kept = $("image").value; // the order depends on the two images
    options($("image"), order().map((image) => [image, image]), kept);
    draw();
  });
  for (const name of ["image", "overlay", "view"]) $(name).addEventListener("change", draw);
  addEventListener("hashchange", () => location.reload());
  $("reset").addEventListener("click", () => zoomBy(0.001));
  $("crop").addEventListener("click", crop);
  form.addEventListener("submit", (event) => event.preventDefault());
  options($("gallery"), galleries.map((g) => [g.name, `${g.dataset} · ${g.split}`]), state.gallery);
  if (["grid", "slider", "flicker"].includes(state.view)) $("view").value = state.view;
  fillGallery();
  draw();
})();
