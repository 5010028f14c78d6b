// The leaderboard: choose, sort, filter, hide columns, copy. The state is in the address.
"use strict";
(() => {
  const sections = [...document.querySelectorAll("[data-table]")];
  const form = document.querySelector("[data-controls]");
  if (!form || !sections.length) return;
  form.hidden = false;
  const board = form.querySelector("[data-board]");
  const filter = form.querySelector("[data-filter]");
  const clean = form.querySelector("[data-clean]");
  const columns = form.querySelector("[data-columns]");
  const said = form.querySelector("[data-said]");
  const state = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));

  const shown = () => sections.find((s) => s.dataset.table === board.value) || sections[0];
  const heads = (section) => [...section.querySelectorAll("thead th")];
  const rows = (section) => [...section.querySelectorAll("tbody tr")];

  function remember() {
    const left = Object.entries(state).filter(([, value]) => value);
    history.replaceState(null, "", "#" + new URLSearchParams(left));
  }
  function number(row, index) {
    const text = row.children[index].dataset.value;
    return text === undefined || text === "" ? NaN : Number(text);
  }
  function sort(section, key, order) {
    const all = heads(section);
    const index = all.findIndex((th) => th.dataset.key === key);
    if (index < 0) return;
    const sign = order === "descending" ? -1 : 1;
    const ordered = rows(section).sort((a, b) => {
      if (index === 0) return sign * a.children[0].textContent.trim().localeCompare(b.children[0].textContent.trim());
      const [x, y] = [number(a, index), number(b, index)];
      if (Number.isNaN(x)) return Number.isNaN(y) ? 0 : 1;
      if (Number.isNaN(y)) return -1;
      return sign * (x - y);
    });
    section.querySelector("tbody").append(...ordered);
    all.forEach((th, i) => (i === index ? th.setAttribute("aria-sort", order) : th.removeAttribute("aria-sort")));
  }
  const texts = new WeakMap();
  function text(row) {
    if (!texts.has(row)) texts.set(row, (row.textContent + " " + row.dataset.family + " " + row.dataset.licence).toLowerCase());
    return texts.get(row);
  }
  function apply() {
    const section = shown();
    sections.forEach((s) => (s.hidden = s !== section));
    const wanted = filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows(section)) {
      const off = !wanted.every((word) => text(row).includes(word)) || (clean.checked && row.dataset.contaminated === "1");
      if (row.hidden !== off) row.hidden = off;
    }
  }
  function hideColumns() {
    const section = shown();
    const hidden = new Set((state.hide || "").split(",").filter(Boolean));
    heads(section).forEach((th, index) => {
      const off = index > 0 && hidden.has(th.dataset.key);
      th.hidden = off;
      rows(section).forEach((row) => (row.children[index].hidden = off));
    });
  }
  function listColumns() {
    columns.replaceChildren(...heads(shown()).slice(1).map((th) => {
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = !(state.hide || "").split(",").includes(th.dataset.key);
      box.addEventListener("change", () => {
        const hidden = new Set((state.hide || "").split(",").filter(Boolean));
        box.checked ? hidden.delete(th.dataset.key) : hidden.add(th.dataset.key);
        state.hide = [...hidden].join(",");
        remember();
        hideColumns();
      });
      label.append(box, " " + th.textContent.trim() + " ");
      return label;
    }));
  }
  function cells() {
    const section = shown();
    const keep = heads(section).map((th) => !th.hidden);
    const text = (cell) => (cell.querySelector("a, button, span") || cell.firstChild || cell).textContent.trim();
    return [heads(section), ...rows(section).filter((r) => !r.hidden).map((r) => [...r.children])].map((line) =>
      line.filter((_, i) => keep[i]).map(text));
  }
  const latex = (text) => text.replace(/[\\&%$#_{}~^]/g, (c) => (c === "\\" ? "\\textbackslash{}" : c === "~" ? "\\textasciitilde{}" : c === "^" ? "\\textasciicircum{}" : "\\" + c))
    .replaceAll("↑", "$\\uparrow$").replaceAll("↓", "$\\downarrow$");
  const csv = (text) => (/^[=+\-@]/.test(text) && Number.isNaN(Number(text)) ? "'" : "") + text;
  const forms = {
    latex: (t) => "\\begin{tabular}{l" + "r".repeat(t[0].length - 1) + "}\n\\toprule\n" +
      t.map((line) => line.map(latex).join(" & ") + " \\\\").join("\n").replace("\n", "\n\\midrule\n") + "\n\\bottomrule\n\\end{tabular}\n",
    csv: (t) => t.map((line) => line.map((x) => '"' + csv(x).replaceAll('"', '""') + '"').join(",")).join("\n") + "\n",
    markdown: (t) => [t[0], t[0].map((_, i) => (i ? "--:" : "---")), ...t.slice(1)].map((line) => "| " + line.map((x) => x.replaceAll("|", "\\|")).join(" | ") + " |").join("\n") + "\n",
  };
  form.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", async () => {
    const text = forms[button.dataset.copy](cells());
    window.FBcopied = text;
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = "Copied.";
    } catch (error) {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      said.textContent = document.execCommand("copy") ? "Copied." : "Your browser does not allow copying.";
      area.remove();
    }
  }));
  sections.forEach((section) => heads(section).forEach((th) => th.querySelector("button")?.addEventListener("click", () => {
    const first = th.dataset.direction === "lower" || th.dataset.key === "title" ? "ascending" : "descending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = th.getAttribute("aria-sort") === first ? other : first;
    sort(section, th.dataset.key, order);
    state.sort = th.dataset.key;
    state.order = order;
    remember();
  })));
  board.addEventListener("change", () => { state.board = board.value; state.sort = state.order = state.hide = ""; remember(); listColumns(); hideColumns(); apply(); });
  filter.addEventListener("input", () => { state.filter = filter.value; remember(); apply(); });
  clean.addEventListener("change", () => { state.clean = clean.checked ? "1" : ""; remember(); apply(); });
  form.addEventListener("submit", (event) => event.preventDefault());

  addEventListener("hashchange", () => location.reload());

  if (state.board && sections.some((s) => s.dataset.table === state.board)) board.value = state.board;
  filter.value = state.filter || "";
  clean.checked = state.clean === "1";
  listColumns();
  hideColumns();
  apply();
  if (state.sort) sort(shown(), state.sort, state.order || "descending");
})();
