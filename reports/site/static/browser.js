// The image browser: all images of a pair side by side, two under a slider or flickering, zoomed and moved together.
"use strict";
(() => {
  const form = document.querySelector("[data-browser]");
  const galleries = (window.FB && FB.galleries) || [];
  if (!form || !galleries.length) return;
  form.hidden = false;
  const $ = (name) => form.querySelector(`[data-${name}]`);
  const stage = document.getElementById("stage");
  const made = document.querySelector("[data-made]");
  const said = document.querySelector("[data-said]");
  const legend = document.querySelector("[data-legend]");
  const keys = document.querySelector("[data-classes]");
  const state = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const zoom = { scale: Number(state.scale) || 1, x: Number(state.dx) || 0, y: Number(state.dy) || 0 };
  const LABELS = "labels/truth";
  let timer = 0;

  const gallery = () => galleries.find((g) => g.name === $("gallery").value) || galleries[0];
  const boards = () => FB.boards.filter((b) => b.dataset === gallery().dataset && b.split === gallery().split);
  const titles = () => new Map(gallery().layers.map((layer) => [layer.key, layer.title]));
  const isSource = (layer) => layer === "infrared" || layer === "visible";
  const options = (select, list, wanted) => {
    select.replaceChildren(...list.map(([value, text]) => new Option(text, value)));
    select.value = list.some(([value]) => value === wanted) ? wanted : (list[0] || [""])[0];
  };

  // What the images are sorted by: how to read it for one image and entrant, and how to print it.
  function measure() {
    const [kind, place, key] = $("sort").value.split("|");
    if (kind === "errors") {
      const own = gallery().errors[place] || {};
      return { kind, title: "", share: place in gallery().masks, of: (name, entrant) => (own[name] || {})[entrant] };
    }
    const board = boards().find((b) => b.name === place);
    if (!board || !board.values[key]) return { kind: "name", title: "", of: () => undefined };
    const at = new Map(board.images.map((name, index) => [name, index]));
    const title = (board.columns.find((c) => c.key === key) || {}).heading;
    return { kind, title, of: (name, entrant) => (board.values[key][entrant] || [])[at.get(name)] ?? undefined };
  }
  function order() {
    const names = Object.keys(gallery().files);
    const { kind, of } = measure();
    if (kind === "name") return names;
    const [left, right] = [$("left").value, $("right").value];
    const worth = (name) => {
      const [a, b] = [of(name, left), of(name, right)];
      if (kind === "difference") return a === undefined || b === undefined ? undefined : -Math.abs(b - a);
      return b === undefined ? undefined : kind === "value" ? b : -b;
    };
    return names.sort((a, b) => (worth(a) ?? Infinity) - (worth(b) ?? Infinity) || 0);
  }
  const protocol = (text) => text.split("@")[0].split("/")[0];
  function fillGallery() {
    const g = gallery();
    const layers = g.layers.map((layer) => [layer.key, layer.title]);
    options($("left"), layers, state.left || "visible");
    options($("right"), layers, state.right || layers[layers.length - 1][0]);
    const sorts = [["name", "name"]];
    boards().forEach((b) => b.columns.forEach((c) => {
      if (!Object.keys(b.values[c.key] || {}).length) return;
      const metric = boards().length > 1 ? `${c.heading} (${b.protocol})` : c.heading;
      sorts.push([`value|${b.name}|${c.key}`, `${metric} of the right image, lowest first`]);
      sorts.push([`top|${b.name}|${c.key}`, `${metric} of the right image, highest first`]);
      sorts.push([`difference|${b.name}|${c.key}`, `difference in ${metric} of left and right, largest first`]);
    }));
    Object.keys(g.errors).forEach((p) => sorts.push(["errors|" + p, `task errors of the right image (${protocol(p)}), most first`]));
    options($("sort"), sorts, state.sort);
    const overlays = [["", "none"]];
    Object.keys(g.boxes).forEach((p) => overlays.push(["boxes|" + p, "boxes: " + protocol(p)]));
    Object.keys(g.masks).forEach((p) => overlays.push(["masks|" + p, "masks: " + protocol(p)]));
    options($("overlay"), overlays, state.overlay);
    fillImages(state.image);
  }
  function fillImages(wanted) {
    options($("image"), order().map((name) => [name, name]), wanted);
  }
  function remember() {
    for (const name of ["gallery", "sort", "image", "left", "right", "overlay", "view"]) state[name] = $(name).value;
    Object.assign(state, zoom.scale === 1 ? { scale: "", dx: "", dy: "" } : { scale: zoom.scale.toFixed(3), dx: zoom.x.toFixed(4), dy: zoom.y.toFixed(4) });
    history.replaceState(null, "", "#" + new URLSearchParams(Object.entries(state).filter(([, v]) => v)));
  }

  function place() {
    stage.classList.toggle("zoomed", zoom.scale > 1);
    stage.querySelectorAll(".frame > *").forEach((el) => {
      const width = el.parentElement.clientWidth;
      const height = el.parentElement.clientHeight;
      el.style.transform = `translate(${zoom.x * width}px, ${zoom.y * height}px) scale(${zoom.scale})`;
    });
  }
  function moveTo(x, y) {
    zoom.x = Math.min(0, Math.max(1 - zoom.scale, x));
    zoom.y = Math.min(0, Math.max(1 - zoom.scale, y));
    place();
  }
  function zoomBy(factor, cx = 0.5, cy = 0.5) {
    const scale = Math.min(16, Math.max(1, zoom.scale * factor));
    const ratio = scale / zoom.scale;
    zoom.scale = scale;
    moveTo(cx - (cx - zoom.x) * ratio, cy - (cy - zoom.y) * ratio);
    remember();
  }

  // What lies over a layer: {boxes}, {mask} (an address), or null.
  function over(layer) {
    const [kind, at] = $("overlay").value.split("|");
    const own = kind && ((gallery()[kind][at] || {})[$("image").value] || {});
    const found = kind && layer !== LABELS && (own[layer] || (isSource(layer) ? own[LABELS] : null));
    if (!found) return null;
    return kind === "boxes" ? { boxes: found } : { mask: found };
  }
  function frame(layer) {
    const box = document.createElement("div");
    box.className = "frame";
    const image = document.createElement("img");
    image.alt = `${titles().get(layer)}, image ${$("image").value}`;
    image.draggable = false;
    const shown = over(layer);
    const canvas = shown && shown.boxes ? document.createElement("canvas") : null;
    image.addEventListener("load", () => {
      if (canvas) { // as large as the image, so that text and lines keep their shape
        const shownWidth = box.clientWidth || image.naturalWidth;
        canvas.width = Math.max(1280, 2 * shownWidth);
        canvas.height = Math.round((canvas.width * image.naturalHeight) / image.naturalWidth);
        FB.drawBoxes(canvas, shown.boxes, canvas.width / shownWidth);
      }
      place();
    });
    image.src = gallery().files[$("image").value][layer] || "";
    box.append(image);
    if (canvas) {
      canvas.className = "over";
      canvas.dataset.states = shown.boxes.map((b) => b[6]).join(" ");
      box.append(canvas);
    } else if (shown) {
      const mask = document.createElement("img");
      mask.src = shown.mask;
      mask.alt = "";
      mask.className = "over";
      box.append(mask);
    }
    return box;
  }
  // A layer's title, with the value that the images are sorted by.
  function caption(layer) {
    const { title, of, share } = measure();
    const value = of($("image").value, layer);
    if (value === undefined) return titles().get(layer);
    if (title) return `${titles().get(layer)} · ${title} ${value.toPrecision(4)}`;
    return `${titles().get(layer)} · ` + (share ? `${(100 * value).toFixed(2)} % of pixels wrong` : `${value} errors`);
  }
  function framed(layer) {
    const figure = document.createElement("figure");
    const text = document.createElement("figcaption");
    text.textContent = caption(layer);
    figure.append(frame(layer), text);
    return figure;
  }
  const layersShown = () => {
    const there = gallery().files[$("image").value] || {};
    const both = [$("left").value, $("right").value];
    return ($("view").value === "grid" ? gallery().layers.map((l) => l.key) : both).filter((key) => there[key]);
  };
  function draw() {
    clearInterval(timer);
    const view = $("view").value;
    const [left, right] = [$("left").value, $("right").value];
    const overlay = $("overlay").value;
    stage.classList.toggle("one", view !== "grid");
    made.replaceChildren();
    said.textContent = "";
    legend.hidden = !overlay.startsWith("boxes");
    keys.hidden = !overlay.startsWith("masks");
    keys.replaceChildren(...gallery().classes.map(([name, colour]) => {
      const item = document.createElement("span");
      item.textContent = name;
      item.style.borderColor = colour;
      return item;
    }));
    if (!$("image").value) { stage.replaceChildren(); said.textContent = "This run has no images to show."; return; }
    const there = layersShown();
    const missing = view === "grid" ? [] : [left, right].filter((key) => !there.includes(key));
    if (missing.length) {
      stage.replaceChildren();
      said.textContent = `There is no image ${$("image").value} of ${missing.map((key) => titles().get(key)).join(" and ")}.`;
    } else if (view === "grid") {
      stage.replaceChildren(...there.map(framed));
    } else if (view === "flicker") {
      const figure = framed(left);
      stage.replaceChildren(figure);
      let second = false;
      timer = setInterval(() => {
        second = !second;
        figure.replaceChildren(...framed(second ? right : left).childNodes);
        place();
      }, 700);
    } else {
      const slider = document.createElement("img-comparison-slider");
      slider.setAttribute("aria-label", `${titles().get(left)} against ${titles().get(right)}`);
      [["first", left], ["second", right]].forEach(([slot, layer]) => {
        const side = frame(layer);
        side.slot = slot;
        slider.append(side);
      });
      const figure = document.createElement("figure");
      const text = document.createElement("figcaption");
      text.textContent = `${caption(left)} | ${caption(right)}`;
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

  // The figure of what is shown, as a file or on the clipboard.
  async function crop(deliver) {
    const items = layersShown().map((layer) => {
      const shown = over(layer);
      return { address: gallery().files[$("image").value][layer], title: titles().get(layer), over: shown && (async (canvas) => {
        if (shown.boxes) return FB.drawBoxes(canvas, shown.boxes, canvas.width / 480);
        const mask = new Image();
        mask.src = shown.mask;
        await mask.decode();
        return canvas.getContext("2d").drawImage(mask, 0, 0, canvas.width, canvas.height);
      }) };
    });
    const canvas = await FB.figure(items, zoom);
    if (!canvas) { said.textContent = "There are no images to save."; return; }
    try {
      const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
      said.textContent = await deliver(blob);
    } catch (error) {
      made.replaceChildren(canvas);
      const disk = error.name === "SecurityError";
      said.textContent = disk
        ? "A page opened from disk may not hand its images on. The figure is below: take it from the browser's menu or as a screenshot. " +
          "Or serve this folder (`fusionbench view RUN`, or `python -m http.server` inside it) and save again."
        : "The browser did not allow it. The figure is below: take it from the browser's menu.";
      made.scrollIntoView({ block: "nearest" });
    }
  }
  const save = (blob) => {
    const link = document.createElement("a");
    link.download = `${$("image").value}.png`;
    link.href = URL.createObjectURL(blob);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    return "Saved.";
  };
  const copy = async (blob) => {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
    return "The figure is on the clipboard.";
  };

  stage.addEventListener("wheel", (event) => {
    const box = event.target.closest(".frame");
    if (!box || ($("view").value === "grid" && zoom.scale === 1 && !event.ctrlKey)) return; // the page scrolls
    event.preventDefault();
    const at = box.getBoundingClientRect();
    zoomBy(event.deltaY < 0 ? 1.25 : 0.8, (event.clientX - at.left) / at.width, (event.clientY - at.top) / at.height);
  }, { passive: false });
  const fingers = new Map();
  const spread = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
  stage.addEventListener("pointerdown", (event) => {
    const box = event.target.closest(".frame");
    if (box) fingers.set(event.pointerId, { x: event.clientX, y: event.clientY, box });
  });
  addEventListener("pointermove", (event) => {
    const finger = fingers.get(event.pointerId);
    if (!finger) return;
    const { x, y, box } = finger;
    const before = fingers.size === 2 ? spread() : 0;
    Object.assign(finger, { x: event.clientX, y: event.clientY });
    if (before) zoomBy(spread() / before);
    else if ($("view").value !== "slider") moveTo(zoom.x + (event.clientX - x) / box.clientWidth, zoom.y + (event.clientY - y) / box.clientHeight);
  });
  ["pointerup", "pointercancel"].forEach((name) => addEventListener(name, (event) => { if (fingers.delete(event.pointerId)) remember(); }));
  addEventListener("resize", place);
  const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  addEventListener("keydown", (event) => {
    if (event.target.closest("select, input, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    const inSlider = event.target.closest("img-comparison-slider");
    const views = { g: "grid", s: "slider", f: "flicker" };
    const key = event.key.toLowerCase();
    if (ARROWS[event.key] && event.shiftKey) {
      moveTo(zoom.x + ARROWS[event.key][0] * 0.1, zoom.y + ARROWS[event.key][1] * 0.1);
      remember();
    } else if (event.key === "ArrowRight" && !inSlider) step(1);
    else if (event.key === "ArrowLeft" && !inSlider) step(-1);
    else if (key === "+" || key === "=") zoomBy(1.25);
    else if (key === "-") zoomBy(0.8);
    else if (key === "0") zoomBy(0.001);
    else if (key === "x") { [$("left").value, $("right").value] = [$("right").value, $("left").value]; reorder(); }
    else if (views[key]) { $("view").value = views[key]; draw(); }
    else return;
    event.preventDefault();
  });
  function reorder() { // the order depends on the two images
    fillImages($("image").value);
    draw();
  }
  $("gallery").addEventListener("change", () => { state.image = state.sort = ""; fillGallery(); draw(); });
  $("sort").addEventListener("change", () => { fillImages(""); draw(); });
  for (const name of ["left", "right"]) $(name).addEventListener("change", reorder);
  for (const name of ["image", "overlay", "view"]) $(name).addEventListener("change", draw);
  addEventListener("hashchange", () => location.reload());
  const buttons = {
    before: () => step(-1), next: () => step(1), closer: () => zoomBy(1.25), farther: () => zoomBy(0.8), reset: () => zoomBy(0.001),
    save: () => crop(save), figure: () => crop(copy),
    link: async () => { said.textContent = (await FB.copy(location.href)) ? "The link to this view is on the clipboard." : "Copy the address of this page."; },
  };
  Object.entries(buttons).forEach(([name, act]) => $(name).addEventListener("click", act));
  form.addEventListener("submit", (event) => event.preventDefault());
  options($("gallery"), galleries.map((g) => [g.name, [g.dataset, g.split].filter(Boolean).join(" · ")]), state.gallery);
  if (["grid", "slider", "flicker"].includes(state.view)) $("view").value = state.view;
  fillGallery();
  draw();
})();
