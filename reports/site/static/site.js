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
  const rest = form.querySelector("[data-rest]");
  const state = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const RARE = "licence"; // hidden until the reader chooses it

  const shown = () => sections.find((s) => s.dataset.table === board.value) || sections[0];
  const heads = (section) => [...section.querySelectorAll("thead th")];
  // All rows of each table in their order. A table in the page holds the first MOST of those that match.
  const MOST = 100;
  const all = new Map(sections.map((section) => [section, [...section.querySelector("tbody").rows]]));
  const words = new Map(sections.flatMap((section) => all.get(section).map((row) => [row, row.dataset.words])));
  let matching = [];
  const hidden = () => new Set((state.hide ?? RARE).split(",").filter(Boolean));

  function remember() {
    const left = Object.entries(state).filter(([key, value]) => value || (key === "hide" && value !== undefined));
    history.replaceState(null, "", "#" + new URLSearchParams(left));
  }
  function number(row, index) {
    const text = row.cells[index].dataset.value;
    return text === undefined || text === "" ? NaN : Number(text);
  }
  function sort(section, key, order) {
    const th = heads(section);
    const index = th.findIndex((cell) => cell.dataset.key === key);
    if (index < 0) return;
    const sign = order === "descending" ? -1 : 1;
    const name = (row) => row.cells[index].textContent.trim();
    const byName = key === "title" || key === "licence";
    all.get(section).sort((a, b) => {
      if (byName) return sign * name(a).localeCompare(name(b));
      const [x, y] = [number(a, index), number(b, index)];
      if (Number.isNaN(x)) return Number.isNaN(y) ? 0 : 1;
      if (Number.isNaN(y)) return -1;
      return sign * (x - y);
    });
    th.forEach((cell, i) => (i === index ? cell.setAttribute("aria-sort", order) : cell.removeAttribute("aria-sort")));
    apply();
  }
  function apply() {
    const section = shown();
    sections.forEach((s) => { if (s.hidden !== (s !== section)) s.hidden = s !== section; });
    const wanted = filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    matching = all.get(section).filter((row) =>
      wanted.every((word) => words.get(row).includes(word)) && !(clean.checked && row.dataset.contaminated === "1"));
    const body = section.querySelector("tbody");
    const wantedRows = matching.slice(0, MOST);
    const kept = new Set(wantedRows);
    for (const row of [...body.rows]) if (!kept.has(row)) row.remove();
    let next = body.firstElementChild; // rows that stay in place are not laid out again
    for (const row of wantedRows) {
      if (row === next) next = next.nextElementSibling;
      else body.insertBefore(row, next);
    }
    rest.textContent = matching.length > MOST ? `The first ${MOST} of ${matching.length} rows. The filter narrows them; a copy holds all.` : "";
  }
  function hideColumns() {
    const section = shown();
    const off = heads(section).map((th, index) => index > 0 && hidden().has(th.dataset.key));
    heads(section).forEach((th, index) => (th.hidden = off[index]));
    for (const row of all.get(section)) off.forEach((hide, index) => { if (row.cells[index].hidden !== hide) row.cells[index].hidden = hide; });
  }
  function listColumns() {
    columns.replaceChildren(...heads(shown()).slice(1).map((th) => {
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = !hidden().has(th.dataset.key);
      box.addEventListener("change", () => {
        const off = hidden();
        if (box.checked) off.delete(th.dataset.key);
        else off.add(th.dataset.key);
        state.hide = [...off].join(",");
        remember();
        hideColumns();
      });
      label.append(box, " " + th.textContent.trim() + " ");
      return label;
    }));
  }
  // What is shown, as lines of {text, best}; where a row comes from goes into the CSV alone.
  function cells(form) {
    const section = shown();
    const keep = heads(section).map((th) => !th.hidden && (form === "csv" || th.dataset.key !== "source"));
    const text = (cell) => (cell.querySelector("a, button, span") || cell.firstChild || cell).textContent.trim();
    const lines = matching.map((row) => [...row.cells]);
    return [heads(section), ...lines].map((line) =>
      line.filter((_, i) => keep[i]).map((cell) => ({ text: text(cell), best: cell.classList.contains("best") })));
  }
  const SPECIAL = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "↑": "$\\uparrow$", "↓": "$\\downarrow$",
    "†": "\\dag{}", "‡": "\\ddag{}", "±": "$\\pm$", "–": "--", "<": "$<$", ">": "$>$", '"': "''" };
  const latex = (text) => text.replace(/[\\&%$#_{}~^↑↓†‡±–<>"]/g, (c) => SPECIAL[c] || "\\" + c);
  const csv = (text) => '"' + ((/^[=+\-@]/.test(text) && Number.isNaN(Number(text)) ? "'" : "") + text).replaceAll('"', '""') + '"';
  const markdown = (text) => text.replace(/[\\|*_`<[\]]/g, (c) => "\\" + c);
  const forms = {
    latex: (t) => "\\begin{tabular}{l" + "r".repeat(t[0].length - 1) + "}\n\\toprule\n" +
      t.map((line) => line.map((c) => (c.best ? `\\textbf{${latex(c.text)}}` : latex(c.text))).join(" & ") + " \\\\").join("\n").replace("\n", "\n\\midrule\n") +
      "\n\\bottomrule\n\\end{tabular}\n",
    csv: (t) => t.map((line) => line.map((c) => csv(c.text)).join(",")).join("\n") + "\n",
    markdown: (t) => {
      const lines = t.map((line) => "| " + line.map((c) => (c.best ? `**${markdown(c.text)}**` : markdown(c.text))).join(" | ") + " |");
      return [lines[0], "|" + t[0].map((_, i) => (i ? " --: |" : " --- |")).join(""), ...lines.slice(1)].join("\n") + "\n";
    },
  };
  form.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", async () => {
    const done = await FB.copy(forms[button.dataset.copy](cells(button.dataset.copy)));
    said.textContent = done ? `${button.textContent.replace("Copy ", "")} copied.` : "Your browser does not allow copying.";
  }));
  sections.forEach((section) => heads(section).forEach((th) => th.querySelector("button")?.addEventListener("click", () => {
    const first = th.dataset.direction === "lower" || ["title", "licence"].includes(th.dataset.key) ? "ascending" : "descending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = th.getAttribute("aria-sort") === first ? other : first;
    sort(section, th.dataset.key, order);
    state.sort = th.dataset.key;
    state.order = order;
    remember();
  })));
  board.addEventListener("change", () => {
    state.board = board.value;
    state.sort = state.order = "";
    delete state.hide;
    remember();
    listColumns();
    hideColumns();
    apply();
  });
  filter.addEventListener("input", () => { state.filter = filter.value; apply(); remember(); });
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
