// Live: gets each second as an event, or asks every two seconds where there is no stream; draws them, and keeps each open
// table equal to its chart.
"use strict";
{
  const KEPT = 600, POLL_MS = 2000, STREAM_MS = 15000, BELOW_MS = 5000, HEIGHT = 190;
  const live = document.getElementById("live"), pause = document.getElementById("pause"), behind = document.getElementById("behind");
  const shown = Number(live.dataset.window), number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 3 });
  const colour = (name) => () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const elapsed = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const LOOKS = {
    ink: { stroke: colour("--ink"), width: 2 },
    grey: { stroke: colour("--ink-3"), width: 1.5 },
    dashed: { stroke: colour("--ink-2"), width: 1.5, dash: [4, 4] },
    lie: { stroke: colour("--lie"), fill: colour("--lie-soft"), width: 2 },
    dots: { stroke: colour("--lie"), fill: colour("--lie"), paths: () => null, points: { show: true, size: 5, stroke: colour("--lie"), fill: colour("--lie") } },
  };
  const state = { rows: [], since: Number(live.dataset.since), paused: false, stream: null, timer: 0, asking: false, streamsAt: 0 };

  const plot = (element) => {
    const chart = element.dataset.chart, unit = element.dataset.unit, looks = element.dataset.looks.trim().split(" ");
    const log = "log" in element.dataset, style = getComputedStyle(element);
    const font = `${Math.round(0.857 * parseFloat(style.fontSize))}px ${style.fontFamily}`, decades = (_, ticks) => ticks.map((tick) => (!log || Math.abs(Math.log10(tick) - Math.round(Math.log10(tick))) < 1e-9 ? tick : null));
    const axis = { stroke: colour("--ink-3"), font, ticks: { show: false } };
    element.hidden = false;
    const drawn = new uPlot({
      width: element.clientWidth - 16, height: HEIGHT, legend: { show: false }, cursor: { show: false },
      scales: { x: { time: false }, y: log ? { distr: 3 } : { range: (_, low, high) => [0, Math.max(1, (high ?? 0) * 1.1)] } },
      axes: [
        { ...axis, grid: { show: false }, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? elapsed(tick) : "")) },
        { ...axis, size: 64, filter: decades, grid: { stroke: colour("--line"), width: 1, filter: decades }, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : `${number.format(tick)}${unit && ` ${unit}`}`)) },
      ],
      series: [{}, ...looks.map((look) => ({ spanGaps: true, points: { size: 4, fill: LOOKS[look].stroke }, ...LOOKS[look], ...(looks.length > 1 && look === "lie" ? { fill: undefined } : {}) }))],
    }, [[], ...looks.map(() => [])], element);
    new ResizeObserver(() => drawn.setSize({ width: element.clientWidth - 16, height: HEIGHT })).observe(element);
    element.drawn = drawn;
    return { chart, drawn, lines: looks.length, table: document.getElementById(`table-${chart}`) };
  };
  const plots = [...document.querySelectorAll(".plot")].map(plot);

  const fill = ({ chart, table }, rows) => {
    if (!table.open) return;
    const body = document.createElement("tbody");
    for (const row of rows) {
      const line = body.insertRow(), head = document.createElement("th");
      head.scope = "row";
      head.textContent = elapsed(row.second - state.since);
      line.append(head);
      for (const value of row[chart]) {
        const cell = line.insertCell();
        cell.className = "n";
        cell.textContent = value === null ? "" : number.format(value);
      }
    }
    table.querySelector("tbody").replaceWith(body);
  };
  const draw = () => {
    const rows = state.rows.slice(-shown);
    for (const each of plots) {
      each.drawn.setData([rows.map((row) => row.second - state.since), ...Array.from({ length: each.lines }, (_, n) => rows.map((row) => row[each.chart][n]))]);
      document.getElementById(`nothing-${each.chart}`).hidden = rows.some((row) => row[each.chart].some((value) => value !== null));
      fill(each, rows);
    }
  };
  const take = (answer) => {
    if (answer.counted_since !== state.since) state.rows = [];
    state.since = answer.counted_since;
    state.rows = [...state.rows, ...answer.rows.filter((row) => row.second > since())].slice(-KEPT);
    for (const figure of answer.figures) {
      const place = document.getElementById(`figure-${figure.id}`);
      place.firstElementChild.textContent = figure.value;
      place.firstElementChild.className = figure.is_lie ? "lie" : "";
      place.lastElementChild.textContent = figure.beside;
    }
    draw();
  };
  const time = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "medium", hour12: false, timeZone: live.dataset.zone });
  const say = (text) => {
    const last = state.rows.at(-1);
    behind.textContent = state.paused ? behind.dataset.paused : text.replace("{time}", last ? time.format((last.second + 1) * 1000) : "–");
  };
  const since = () => state.rows.at(-1)?.second ?? 0;
  const rests = () => state.paused || document.hidden;
  const close = () => {
    state.stream?.close();
    state.stream = null;
    clearTimeout(state.timer);
  };
  const poll = async () => {
    clearTimeout(state.timer);
    if (state.asking || state.stream || rests()) return;
    if (Date.now() >= state.streamsAt) { follow(); return; }
    state.asking = true;
    try {
      const answer = await fetch(`${live.dataset.rows}?since=${since()}`);
      if (!answer.ok) throw new Error(answer.status);
      take(await answer.json());
      say(behind.dataset.polling);
    } catch {
      say(behind.dataset.cutOff);
    }
    state.asking = false;
    state.timer = setTimeout(poll, POLL_MS);
  };
  const follow = () => {
    close();
    if (rests()) return;
    const stream = state.stream = new EventSource(`${live.dataset.events}?since=${since()}`);
    stream.onmessage = (event) => {
      if (stream !== state.stream) return;
      take(JSON.parse(event.data));
      say("");
    };
    stream.onerror = () => {
      if (stream !== state.stream) return;
      close();
      state.streamsAt = Date.now() + STREAM_MS;
      poll();
    };
  };
  const refresh = async () => {
    if (rests()) return;
    for (const part of document.querySelectorAll(".below")) {
      try {
        const answer = await fetch(part.dataset.from);
        const text = answer.ok && !rests() && await answer.text();
        if (!text || part.contains(document.activeElement)) continue;
        const isOpen = [...part.querySelectorAll("details")].some((each) => each.open);
        part.innerHTML = text;
        if (isOpen) for (const each of part.querySelectorAll("details")) each.open = true;
      } catch { /* It stays as it is, and the line on top says that the server does not answer. */ }
    }
  };
  setInterval(refresh, BELOW_MS);
  const resume = () => {
    if (rests()) close();
    else if (!state.stream) { state.streamsAt = 0; poll(); }
  };
  const toggle = () => {
    state.paused = !state.paused;
    pause.firstElementChild.textContent = state.paused ? pause.dataset.goOn : pause.dataset.pause;
    say("");
    resume();
  };
  pause.hidden = false;
  pause.addEventListener("click", toggle);
  document.addEventListener("keydown", (event) => {
    if (event.key !== " " || event.target.closest("a, button, summary, input, select, textarea, [tabindex='0']")) return;
    event.preventDefault();
    toggle();
  });
  document.addEventListener("visibilitychange", resume);
  for (const each of plots) each.table.addEventListener("toggle", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plots.forEach(({ drawn }) => drawn.redraw()));
  follow();
}
