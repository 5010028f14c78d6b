// Two scores against each other, and the spread of one over the images.
"use strict";
(() => {
  let ink;
  function colours(printing) {
    const style = getComputedStyle(document.documentElement);
    ink = printing ? "#000" : style.getPropertyValue("--ink").trim();
    Chart.defaults.color = ink;
    Chart.defaults.borderColor = printing ? "#bbb" : style.getPropertyValue("--line").trim();
  }
  colours(false);
  Chart.defaults.animation = false;
  Chart.defaults.maintainAspectRatio = false;
  const scores = [];
  FB.boards.forEach((board) => board.columns.forEach((column, index) => scores.push({
    id: board.name + "|" + column.key, board, column, index,
    title: [board.dataset, board.split, board.evaluator, board.convention.split("@")[0], column.heading].join(" · "),
  })));
  const [x, y, box] = ["x", "y", "box"].map((name) => document.querySelector(`[data-${name}]`));
  const option = (score) => new Option(score.title, score.id);
  x.append(...scores.map(option));
  y.append(...scores.map(option));
  const spread = scores.filter((score) => Object.keys(score.board.values[score.column.key] || {}).length);
  box.append(...spread.map(option));
  const state = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const find = (id) => scores.find((score) => score.id === id);
  const colour = (index) => `hsl(${(index * 67) % 360} 65% 50%)`;
  let first, second;

  function scatter() {
    const [across, up] = [find(x.value), find(y.value)];
    const other = new Map(up.board.entries.map((entry) => [entry.title.replace(/[†‡]/g, ""), entry.cells[up.index].v]));
    const points = across.board.entries.map((entry) => ({ name: entry.title, x: entry.cells[across.index].v, y: other.get(entry.title.replace(/[†‡]/g, "")) }))
      .filter((p) => typeof p.x === "number" && typeof p.y === "number");
    if (first) first.destroy();
    first = new Chart(document.querySelector("[data-scatter]"), {
      type: "scatter",
      data: { datasets: points.map((p, i) => ({ label: p.name, data: [p], backgroundColor: colour(i), pointRadius: 6 })) },
      options: {
        onClick: (event, found) => {
          if (!found.length) return;
          const filter = points[found[0].datasetIndex].name.replace(/[†‡]/g, "");
          location.href = "index.html#" + new URLSearchParams({ board: up.board.name, filter });
        },
        scales: { x: { title: { display: true, text: across.title } }, y: { title: { display: true, text: up.title } } },
        plugins: { tooltip: { callbacks: { label: (c) => `${c.dataset.label}: ${c.raw.x}, ${c.raw.y}` } } },
      },
    });
    window.FBscatter = first;
  }
  const quantile = (sorted, q) => { const p = (sorted.length - 1) * q; const i = Math.floor(p); return sorted[i] + (p - i) * ((sorted[i + 1] ?? sorted[i]) - sorted[i]); };
  function boxes() {
    const score = find(box.value);
    if (!score) return;
    const values = score.board.values[score.column.key];
    const titles = new Map(score.board.entries.map((entry) => [entry.entrant, entry.title]));
    const stats = Object.entries(values).map(([name, list]) => {
      const sorted = list.filter((v) => v !== null).sort((a, b) => a - b);
      return { name: titles.get(name) || name, low: quantile(sorted, 0.05), q1: quantile(sorted, 0.25), median: quantile(sorted, 0.5), q3: quantile(sorted, 0.75), high: quantile(sorted, 0.95) };
    });
    if (second) second.destroy();
    second = new Chart(document.querySelector("[data-boxes]"), {
      type: "bar",
      data: {
        labels: stats.map((s) => s.name),
        datasets: [
          { type: "line", showLine: false, label: "median", data: stats.map((s) => s.median), backgroundColor: ink, borderColor: ink, pointRadius: 4 },
          { type: "bar", label: "middle half", data: stats.map((s) => [s.q1, s.q3]), backgroundColor: "hsl(215 70% 55% / .7)" },
          { type: "bar", label: "5 % to 95 %", data: stats.map((s) => [s.low, s.high]), backgroundColor: "hsl(215 70% 55% / .25)" },
        ],
      },
      options: {
        scales: { x: { type: "category", stacked: true }, y: { title: { display: true, text: score.title }, beginAtZero: false } },
        plugins: { tooltip: { callbacks: { label: (c) => { const s = stats[c.dataIndex]; return `${s.name}: median ${s.median.toPrecision(4)}, middle half ${s.q1.toPrecision(4)} to ${s.q3.toPrecision(4)}`; } } } },
      },
    });
  }
  window.FBboxes = () => second;
  function remember() {
    history.replaceState(null, "", "#" + new URLSearchParams({ x: x.value, y: y.value, score: box.value }));
  }
  const pick = (select, id, fallback) => { select.value = find(id) ? id : fallback; };
  pick(x, state.x, (scores.find((s) => s.column.key === "VIF") || scores[0]).id);
  pick(y, state.y, (["mIoU", "mAP"].map((key) => scores.find((s) => s.column.key === key)).find(Boolean) || scores[scores.length - 1]).id);
  pick(box, state.score || (state.board && state.box ? state.board + "|" + state.box : ""), (spread.find((s) => s.column.key === "VIF") || spread[0] || scores[0]).id);
  [x, y].forEach((select) => select.addEventListener("change", () => { scatter(); remember(); }));
  box.addEventListener("change", () => { boxes(); remember(); });
  const both = () => { scatter(); boxes(); };
  addEventListener("beforeprint", () => { colours(true); both(); });
  addEventListener("afterprint", () => { colours(false); both(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { colours(false); both(); });
  addEventListener("hashchange", () => location.reload());
  both();
})();
