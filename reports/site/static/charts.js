// Two scores against each other, and the spread of one over the images. A click leads to the leaderboard.
"use strict";
(() => {
  const scores = [];
  FB.boards.forEach((board) => board.columns.forEach((column, index) => scores.push({
    id: board.name + "|" + column.key, board, column, index,
    place: [board.dataset, board.split, board.evaluator, board.protocol].filter(Boolean).join(" · "),
    title: column.heading,
  })));
  if (!scores.length) return;
  const [x, y, box] = ["x", "y", "box"].map((name) => document.querySelector(`[data-${name}]`));
  const intervals = document.querySelector("[data-intervals]");
  const state = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const find = (id) => scores.find((score) => score.id === id);
  const COST = "efficiency";
  const isCost = (score) => score.board.evaluator === COST;
  const key = (name) => scores.find((score) => score.column.key === name);
  const bare = (title) => title.replace(/[†‡]/g, "");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const hue = (index, count) => `hsl(${Math.round((index * 360) / Math.max(count, 1))} 60% ${dark.matches && !printing ? 62 : 42}%)`;
  let ink, line, paper, printing = false;

  function colours(on) {
    printing = on;
    const style = getComputedStyle(document.documentElement);
    ink = printing ? "#000" : style.getPropertyValue("--ink").trim();
    paper = printing ? "#fff" : style.getPropertyValue("--paper").trim();
    line = printing ? "#ccc" : style.getPropertyValue("--line").trim();
    Chart.defaults.color = ink;
    Chart.defaults.borderColor = line;
    Chart.defaults.font.size = innerWidth < 600 ? 11 : 12;
  }
  Chart.defaults.animation = false;
  Chart.defaults.maintainAspectRatio = false;

  // Groups of options, one per table.
  function fill(select, list) {
    const groups = new Map();
    list.forEach((score) => {
      if (!groups.has(score.place)) groups.set(score.place, Object.assign(document.createElement("optgroup"), { label: score.place }));
      groups.get(score.place).append(new Option(`${score.title} (${score.place})`, score.id));
    });
    select.replaceChildren(...groups.values());
  }
  // An axis title in lines that fit.
  function axis(score, width) {
    const arrow = { higher: " (higher is better)", lower: " (lower is better)" }[score.column.direction] || "";
    const words = `${score.title}${arrow}, ${score.place}`.split(" ");
    const lines = [""];
    words.forEach((word) => {
      const longer = (lines[lines.length - 1] + " " + word).trim();
      if (longer.length * 6.3 > width && lines[lines.length - 1]) lines.push(word);
      else lines[lines.length - 1] = longer;
    });
    return { display: true, text: lines.slice(0, 4), color: ink };
  }
  function leave(score, title) {
    location.href = "index.html#" + new URLSearchParams({ board: score.board.name, filter: bare(title).toLowerCase() });
  }
  const short = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);

  // Draws each point's 95 % intervals as thin crosses.
  const crosses = {
    id: "crosses",
    beforeDatasetsDraw(chart) {
      if (!intervals.checked) return;
      const pen = chart.ctx;
      const { x: across, y: up } = chart.scales;
      pen.save();
      pen.globalAlpha = 0.55;
      chart.data.datasets.forEach((set, i) => {
        const p = chart.getDatasetMeta(i).data[0];
        const { a, b } = set.data[0];
        pen.strokeStyle = set.backgroundColor;
        pen.beginPath();
        if (a.low !== null) { pen.moveTo(across.getPixelForValue(a.low), p.y); pen.lineTo(across.getPixelForValue(a.high), p.y); }
        if (b.low !== null) { pen.moveTo(p.x, up.getPixelForValue(b.low)); pen.lineTo(p.x, up.getPixelForValue(b.high)); }
        pen.stroke();
      });
      pen.restore();
    },
  };
  // Writes each point's name where no other name or point stands; what finds no place is said on hover.
  const names = {
    id: "names",
    afterDatasetsDraw(chart) {
      const pen = chart.ctx;
      const area = chart.chartArea;
      pen.save();
      pen.font = `${Chart.defaults.font.size}px sans-serif`;
      pen.fillStyle = ink;
      pen.strokeStyle = paper;
      pen.lineWidth = 3;
      pen.textBaseline = "middle";
      const points = chart.data.datasets.map((_, i) => chart.getDatasetMeta(i).data[0]);
      const taken = points.map((p) => [p.x - 6, p.y - 6, p.x + 6, p.y + 6]);
      const free = ([a, b, c, d]) => a >= area.left && c <= area.right && b >= area.top && d <= area.bottom &&
        !taken.some(([e, f, g, h]) => a < g && c > e && b < h && d > f);
      points.forEach((p, i) => {
        const text = short(chart.data.datasets[i].label, 28);
        const w = pen.measureText(text).width;
        const beside = [[9, 0], [-9 - w, 0], [-w / 2, -14], [-w / 2, 14]];
        const corners = [[7, -11], [7, 11], [-7 - w, -11], [-7 - w, 11]];
        const spots = intervals.checked ? [...corners, ...beside] : [...beside, ...corners];
        const spot = spots.find(([dx, dy]) => free([p.x + dx, p.y + dy - 6, p.x + dx + w, p.y + dy + 6]));
        if (!spot) return;
        taken.push([p.x + spot[0], p.y + spot[1] - 6, p.x + spot[0] + w, p.y + spot[1] + 6]);
        pen.strokeText(text, p.x + spot[0], p.y + spot[1]); // a rim, so that lines don't cross the letters
        pen.fillText(text, p.x + spot[0], p.y + spot[1]);
      });
      pen.restore();
    },
  };

  let first, second;
  function scatter() {
    const [across, up] = [find(x.value), find(y.value)];
    const canvas = document.querySelector("[data-scatter]");
    const other = new Map(up.board.entries.map((entry) => [entry.entrant, entry.cells[up.index]]));
    const points = across.board.entries
      .map((entry) => ({ name: entry.title, a: entry.cells[across.index], b: other.get(entry.entrant) }))
      .filter((p) => p.b && p.a.v !== null && p.b.v !== null);
    if (first) first.destroy();
    document.querySelector("[data-none]").hidden = points.length > 0;
    const log = (score, side) => isCost(score) && points.length > 0 && points.every((p) => p[side].v > 0);
    const reach = (side) => { // so that the axis holds the intervals
      const ends = intervals.checked ? points.flatMap((p) => [p[side].low, p[side].high]).filter((v) => v !== null) : [];
      return ends.length ? { suggestedMin: Math.min(...ends), suggestedMax: Math.max(...ends) } : {};
    };
    const said = (score, cell) => `${score.title} ${cell.t}` + (cell.i ? ` (${cell.i})` : "");
    first = new Chart(canvas, {
      type: "scatter",
      data: { datasets: points.map((p, i) => ({ label: p.name, data: [{ x: p.a.v, y: p.b.v, a: p.a, b: p.b }], backgroundColor: hue(i, points.length), borderColor: ink, pointRadius: 5, pointHoverRadius: 8 })) },
      options: {
        layout: { padding: { right: 12, top: 12 } },
        onClick: (event, found) => { if (found.length) leave(up, points[found[0].datasetIndex].name); },
        onHover: (event, found) => { canvas.style.cursor = found.length ? "pointer" : ""; },
        scales: {
          x: { ...reach("a"), type: log(across, "a") ? "logarithmic" : "linear", grace: "6%", title: axis(across, canvas.parentElement.clientWidth - 80) },
          y: { ...reach("b"), type: log(up, "b") ? "logarithmic" : "linear", grace: "6%", title: axis(up, 300) },
        },
        plugins: {
          legend: { display: false },
          tooltip: { callbacks: { label: (c) => { const p = points[c.datasetIndex]; return [p.name, said(across, p.a), said(up, p.b)]; } } },
        },
      },
      plugins: [crosses, names],
    });
  }

  const quantile = (sorted, q) => { const p = (sorted.length - 1) * q; const i = Math.floor(p); return sorted[i] + (p - i) * ((sorted[i + 1] ?? sorted[i]) - sorted[i]); };
  const LEVELS = [0.05, 0.25, 0.5, 0.75, 0.95];
  // Five quantiles per row of the table: over images, or over draws of the images for scores of whole sets.
  function spreads(score) {
    const { values, draws } = score.board;
    return score.board.entries.map((entry) => {
      const list = ((values[score.column.key] || {})[entry.entrant] || []).filter((v) => v !== null).sort((a, b) => a - b);
      const five = list.length ? LEVELS.map((q) => quantile(list, q)) : (draws[score.column.key] || {})[entry.entrant];
      return five && { entrant: entry.entrant, name: entry.title, n: list.length, five };
    }).filter(Boolean);
  }
  const spread = scores.filter((score) => spreads(score).length);
  function boxes() {
    const score = find(box.value);
    const canvas = document.querySelector("[data-boxes]");
    if (!score) return;
    const rows = spreads(score);
    canvas.parentElement.style.height = `${rows.length * 26 + 110}px`;
    document.querySelector("[data-over]").textContent = rows.some((r) => r.n)
      ? "Each row: the values of single images. " : "A score of the whole set. Each row: its values in bootstrap draws of the images. ";
    const narrow = canvas.parentElement.clientWidth < 600;
    const strong = (alpha) => rows.map((r) => `hsl(${r.entrant === state.method ? 28 : 215} 70% 55% / ${alpha})`);
    if (second) second.destroy();
    const bar = (label, data, thickness, colour) => ({ label, data, grouped: false, barPercentage: thickness, categoryPercentage: 1, backgroundColor: colour });
    second = new Chart(canvas, {
      type: "bar",
      data: {
        labels: rows.map((r) => short(r.name, narrow ? 18 : 40)),
        datasets: [
          { ...bar("median", rows.map((r) => [r.five[2], r.five[2]]), 0.75, ink), minBarLength: 3 },
          bar("middle half", rows.map((r) => [r.five[1], r.five[3]]), 0.6, strong(0.75)),
          bar("5 % to 95 %", rows.map((r) => [r.five[0], r.five[4]]), 0.22, strong(0.4)),
        ],
      },
      options: {
        indexAxis: "y",
        onClick: (event, found) => { if (found.length) leave(score, rows[found[0].index].name); },
        onHover: (event, found) => { canvas.style.cursor = found.length ? "pointer" : ""; },
        interaction: { mode: "y", intersect: false },
        scales: { x: { beginAtZero: false, title: axis(score, canvas.parentElement.clientWidth - 120) }, y: { ticks: { autoSkip: false } } },
        plugins: { tooltip: { filter: (item) => item.datasetIndex === 0, displayColors: false, callbacks: {
          title: () => "",
          label: (c) => {
            const { name, n, five } = rows[c.dataIndex];
            const [low, q1, median, q3, high] = five.map((v) => v.toPrecision(4));
            return [name + (n ? `, ${n} images` : ""), `median ${median}`, `middle half ${q1} to ${q3}`, `5 % to 95 %: ${low} to ${high}`];
          },
        } } },
      },
    });
  }

  function remember() {
    history.replaceState(null, "", "#" + new URLSearchParams({ x: x.value, y: y.value, score: box.value, ...(intervals.checked ? {} : { intervals: "0" }) }));
  }
  fill(x, scores);
  fill(y, scores);
  fill(box, spread);
  const quality = key("VIF") || scores.find((s) => s.board.evaluator === "quality") || scores[0];
  const task = key("mIoU") || key("mAP");
  const cost = ["FLOPs", "Params"].map(key).find(Boolean) || scores.find(isCost);
  intervals.checked = state.intervals !== "0";
  const pick = (select, id, fallback) => { select.value = find(id) ? id : fallback.id; };
  pick(x, state.x, quality);
  pick(y, state.y, task || scores[scores.length - 1]);
  pick(box, state.score || (state.board && state.box ? state.board + "|" + state.box : ""), spread.find((s) => s.column.key === "VIF") || spread[0] || scores[0]);
  [["cost", cost, quality], ["task", quality, task]].forEach(([name, across, up]) => {
    const button = document.querySelector(`[data-preset=${name}]`);
    button.hidden = !across || !up;
    button.addEventListener("click", () => { x.value = across.id; y.value = up.id; scatter(); remember(); });
  });
  document.querySelector("[data-swap]").addEventListener("click", () => { [x.value, y.value] = [y.value, x.value]; scatter(); remember(); });
  [x, y].forEach((select) => select.addEventListener("change", () => { scatter(); remember(); }));
  intervals.addEventListener("change", () => { scatter(); remember(); });
  box.addEventListener("change", () => { boxes(); remember(); });
  document.querySelectorAll("form").forEach((form) => { form.hidden = false; form.addEventListener("submit", (event) => event.preventDefault()); });
  document.querySelector("[data-spread]").hidden = !spread.length;
  const both = (printing) => { colours(printing); scatter(); boxes(); };
  const print = (on) => { document.body.classList.toggle("printing", on); both(on); };
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  dark.addEventListener("change", () => both(false));
  addEventListener("hashchange", () => location.reload());
  both(false);
  if (state.box) document.querySelector("[data-spread]").scrollIntoView();
})();
