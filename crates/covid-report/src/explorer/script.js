// The location explorer: unpacks the series that the page carries, and draws the one that is picked.
// It needs no server and no library. Names come from files, so they only ever become text nodes and attribute values.
"use strict";

(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const DAY = 86_400_000;
  const WEEK = 7;
  // A mean over fewer days of the 7 would be that of other days than it says.
  const FEWEST_DAYS = 4;
  const PAPER_WIDTH = 700;
  const MARGIN = { top: 12, right: 20, bottom: 28, left: 58 };
  const TARGETS = { cases: "confirmed cases", deaths: "deaths" };

  const element = (id) => document.getElementById(id);
  const data = JSON.parse(element("explorer-data").textContent);
  // What the source never published is not offered.
  const published = Object.keys(TARGETS).filter((_, at) => data.published[at]);
  const CHOICES = {
    measure: ["cumulative", "new"],
    target: published.length > 0 ? published : Object.keys(TARGETS),
    scale: ["linear", "log"],
  };
  const first = Date.parse(data.first + "T00:00:00Z");
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
  const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 3 });

  const form = element("explorer-form");
  const picker = element("explorer-location");
  const status = element("explorer-status");
  const plot = element("explorer-plot");
  const caption = element("explorer-caption");
  const day = element("explorer-day");
  const reading = element("explorer-reading");

  let state = { location: data.names[0], measure: "new", target: CHOICES.target[0], scale: "linear" };
  let drawn = null;

  // ---- the series ----

  // Differences from count to count as variable-length quantities of base-64 digits (those of source maps); `-` is a day
  // without a count; `*n` repeats what stands before it n times more.
  function decode(text) {
    const counts = [];
    let at = 0;
    let step = 0;
    let last = 0;
    const number = () => {
      let value = 0;
      for (let factor = 1; ; factor *= 32) {
        const digit = DIGITS.indexOf(text[at++]);
        // Not by bits: those of JavaScript end at 32.
        value += (digit % 32) * factor;
        if (digit < 32) return value;
      }
    };
    const push = () => {
      if (step === null) return counts.push(null);
      last += step;
      return counts.push(last);
    };
    while (at < text.length) {
      if (text[at] === "*") {
        at++;
        for (let times = number(); times > 0; times--) push();
        continue;
      }
      if (text[at] === "-") {
        at++;
        step = null;
      } else {
        const value = number();
        step = value % 2 ? -(value - 1) / 2 : value / 2;
      }
      push();
    }
    return counts;
  }

  // New counts as published: what a count adds to the last one before it. Below 0 where a revision lowered the total.
  function newCounts(counts) {
    let before = null;
    return counts.map((count) => {
      if (count === null) return null;
      const added = before === null ? null : count - before;
      before = count;
      return added;
    });
  }

  // The mean of 7 days, as the report's own figures have it: a count that comes after a gap is spread over the days it
  // stands for, and days on which a revision lowered the total are left out.
  function weeklyMean(counts) {
    const spread = counts.map(() => null);
    let before = -1;
    counts.forEach((count, at) => {
      if (count === null) return;
      if (before >= 0) spread.fill((count - counts[before]) / (at - before), before + 1, at + 1);
      before = at;
    });
    return spread.map((_, at) => {
      const week = at + 1 < WEEK ? [null] : spread.slice(at + 1 - WEEK, at + 1);
      const kept = week.filter((added) => added >= 0);
      if (week.includes(null) || kept.length < FEWEST_DAYS) return null;
      return kept.reduce((sum, added) => sum + added, 0) / kept.length;
    });
  }

  function seriesOf({ location, measure, target }) {
    const counts = decode(data.series[data.names.indexOf(location)][Object.keys(TARGETS).indexOf(target)]);
    if (measure === "cumulative") return { lines: [{ kind: "mean", values: counts }], revisions: [] };
    const published = newCounts(counts);
    const revisions = published.flatMap((added, at) => (added < 0 ? [at] : []));
    return { lines: [{ kind: "published", values: published }, { kind: "mean", values: weeklyMean(counts) }], revisions };
  }

  // ---- axes ----

  function linearAxis(low, high) {
    const from = Math.min(0, low);
    const to = high > from ? high : from + 1;
    const power = 10 ** Math.floor(Math.log10((to - from) / 5));
    // A count has no fractions, and a tick below 1 would say the same twice.
    const step = Math.max(1, [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= (to - from) / 5));
    const ticks = [];
    for (let at = Math.floor(from / step); at <= Math.ceil(to / step); at++) ticks.push(at * step);
    const [start, end] = [ticks[0], ticks[ticks.length - 1]];
    return { ticks, share: (value) => (value - start) / (end - start), shows: () => true };
  }

  function logAxis(high) {
    const last = Math.max(1, Math.ceil(Math.log10(Math.max(high, 1))));
    const ticks = Array.from({ length: last + 1 }, (_, power) => 10 ** power);
    // A mean below 1 is no count; it stands below the axis.
    return { ticks, share: (value) => Math.log10(value) / last, shows: (value) => value >= 1 };
  }

  const dateOf = (at) => new Date(first + at * DAY).toISOString().slice(0, 10);

  // First days of months or years, so few that their labels do not touch.
  function dateTicks(width) {
    const year = new Date(first).getUTCFullYear();
    const start = new Date(first).getUTCMonth();
    const months = data.days / 30.4;
    const room = (step) => width / (step < 12 ? 75 : 45);
    const step = [1, 2, 3, 6, 12, 24, 60].find((step) => months / step <= room(step)) ?? 120;
    const ticks = [];
    for (let month = Math.ceil(start / step) * step; ; month += step) {
      const time = Date.UTC(year, month, 1);
      const at = Math.round((time - first) / DAY);
      if (at >= data.days) break;
      if (at >= 0) ticks.push({ at, label: new Date(time).toISOString().slice(0, step < 12 ? 7 : 4) });
    }
    // Less than two months have no two firsts of a month.
    return ticks.length > 1 ? ticks : [0, data.days - 1].slice(0, data.days).map((at) => ({ at, label: dateOf(at) }));
  }

  // ---- drawing ----

  function child(parent, name, attributes, text) {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    parent.append(node);
    return node;
  }

  // The runs of neighbouring days that have a value which the axis shows, as points.
  function runsOf(values, { x, y, shows }) {
    const runs = [[]];
    values.forEach((value, at) => {
      if (value === null || !shows(value)) {
        runs.push([]);
        return;
      }
      runs[runs.length - 1].push(`${x(at).toFixed(1)} ${y(value).toFixed(1)}`);
    });
    return runs.filter((run) => run.length > 0);
  }

  // A day alone has no line: it becomes a dot, which a round cap makes of a line without length.
  function drawLine(svg, { kind, values }, scale) {
    const runs = runsOf(values, scale);
    const path = (runs, end) => runs.map((run) => `M${run.join("L")}${end}`).join("");
    child(svg, "path", { class: kind, d: path(runs.filter((run) => run.length > 1), "") });
    child(svg, "path", { class: `${kind} dots`, d: path(runs.filter((run) => run.length === 1), "h0") });
  }

  function scaleOf(lines, width, height) {
    const values = lines.flatMap((line) => line.values).filter((value) => value !== null);
    const high = values.reduce((a, b) => Math.max(a, b), 0);
    const low = values.reduce((a, b) => Math.min(a, b), 0);
    const { ticks, share, shows } = state.scale === "log" ? logAxis(high) : linearAxis(low, high);
    const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
    const x = (at) => MARGIN.left + (at / Math.max(1, data.days - 1)) * inner.width;
    const y = (value) => MARGIN.top + (1 - share(value)) * inner.height;
    return { ticks, shows, x, y, bottom: height - MARGIN.bottom, right: width - MARGIN.right, width: inner.width };
  }

  function drawAxes(svg, scale) {
    for (const tick of scale.ticks) {
      const y = scale.y(tick);
      child(svg, "line", { class: tick === 0 ? "base" : "grid", x1: MARGIN.left, x2: scale.right, y1: y, y2: y });
      child(svg, "text", { class: "value", x: MARGIN.left - 8, y: y + 4 }, compact.format(tick));
    }
    for (const { at, label } of dateTicks(scale.width)) {
      const x = scale.x(at);
      child(svg, "line", { class: "base", x1: x, x2: x, y1: scale.bottom, y2: scale.bottom + 5 });
      const anchor = x < MARGIN.left + 24 ? "start" : x > scale.right - 24 ? "end" : "middle";
      child(svg, "text", { x, y: scale.bottom + 20, "text-anchor": anchor }, label);
    }
  }

  function draw(width = Math.max(260, plot.clientWidth)) {
    const height = Math.round(Math.min(420, Math.max(260, width * 0.45)));
    const { lines, revisions } = seriesOf(state);
    const scale = scaleOf(lines, width, height);
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("role", "img");
    drawAxes(svg, scale);
    for (const line of lines) drawLine(svg, line, scale);
    for (const at of revisions) {
      const x = scale.x(at).toFixed(1);
      child(svg, "path", { class: "revision", d: `M${x} ${scale.bottom}l-4 7h8z` });
    }
    const cursor = child(svg, "line", { class: "cursor", y1: MARGIN.top, y2: scale.bottom });
    caption.textContent = describe(lines, revisions);
    svg.setAttribute("aria-label", caption.textContent);
    plot.replaceChildren(svg);
    drawn = { lines, scale, cursor };
    element("explorer-key").hidden = state.measure !== "new";
    element("explorer-revised").hidden = revisions.length === 0;
    read();
  }

  const lastOf = (values) => values.findLastIndex((value) => value !== null);

  function describe(lines, revisions) {
    const { location, measure, target, scale } = state;
    const what = measure === "new" ? `new ${TARGETS[target]} a day` : `cumulative ${TARGETS[target]}`;
    const latest = lastOf(lines[0].values);
    let text = `${location}: ${what}${scale === "log" ? ", log scale" : ""}, up to ${dateOf(data.days - 1)}.`;
    text += latest < 0 ? " No count was published." : ` Latest: ${whole.format(lines[0].values[latest])} on ${dateOf(latest)}.`;
    if (revisions.length === 1) text += " On 1 day a revision lowered the total: marked, and left out of the mean.";
    if (revisions.length > 1) {
      text += ` On ${whole.format(revisions.length)} days a revision lowered the total: marked, and left out of the mean.`;
    }
    return text;
  }

  // ---- one day of the chart ----

  function read() {
    const at = Number(day.value);
    const x = drawn.scale.x(at);
    drawn.cursor.setAttribute("x1", x);
    drawn.cursor.setAttribute("x2", x);
    const [published, mean] = drawn.lines.map((line) => line.values[at]);
    const shown = (value, format) => (value === null ? "no count" : format.format(value));
    let text = `${dateOf(at)}: ${shown(published, whole)}`;
    if (mean !== undefined) text += `, 7-day mean ${mean === null ? "not known" : fine.format(mean)}`;
    reading.textContent = text;
    day.setAttribute("aria-valuetext", text);
  }

  function point(event) {
    const svg = plot.firstElementChild.getBoundingClientRect();
    const { width } = drawn.scale;
    day.value = Math.round(((event.clientX - svg.left - MARGIN.left) / width) * (data.days - 1));
    read();
  }

  // ---- what is picked, and the page's address ----

  // The whole name, else a name that begins like it, else one that holds it; whatever the case.
  function find(text) {
    const wanted = text.trim().toLowerCase();
    if (wanted === "") return undefined;
    const names = data.names;
    const lower = names.map((name) => name.toLowerCase());
    const at = [(name) => name === wanted, (name) => name.startsWith(wanted), (name) => name.includes(wanted)]
      .map((fits) => lower.findIndex(fits))
      .find((at) => at >= 0);
    return names.includes(text) ? text : names[at];
  }

  function show(changes) {
    state = { ...state, ...changes };
    for (const [name, value] of Object.entries(state)) {
      if (name !== "location") form.elements.namedItem(name).value = value;
    }
    picker.placeholder = state.location;
    if (document.activeElement !== picker) picker.value = state.location;
    draw();
  }

  function pick(changes) {
    show(changes);
    history.replaceState(null, "", "#" + new URLSearchParams(state));
  }

  function search(text) {
    const found = find(text);
    status.textContent = found === undefined && text.trim() !== "" ? `No location matches “${text.trim()}”.` : "";
    if (found !== undefined) pick({ location: found });
  }

  function fromAddress() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const changes = {};
    for (const [name, values] of Object.entries(CHOICES)) {
      if (values.includes(asked.get(name))) changes[name] = asked.get(name);
    }
    const name = asked.get("location");
    if (name !== null) {
      const found = find(name);
      status.textContent = found === undefined ? `No location matches “${name}”.` : "";
      if (found !== undefined) changes.location = found;
    }
    show(changes);
  }

  function listen() {
    // A list filtered by the name that is shown would hold that name alone, so the field is blank while it is typed in.
    picker.addEventListener("focus", () => { picker.value = ""; });
    picker.addEventListener("blur", () => { picker.value = state.location; });
    picker.addEventListener("input", () => { if (data.names.includes(picker.value)) search(picker.value); });
    picker.addEventListener("change", () => search(picker.value));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", ({ target }) => { if (target.name in CHOICES) pick({ [target.name]: target.value }); });
    day.addEventListener("input", read);
    plot.addEventListener("pointermove", point);
    plot.addEventListener("pointerdown", point);
    window.addEventListener("hashchange", fromAddress);
    // On paper the chart is as wide as the page, which no element tells beforehand.
    window.addEventListener("beforeprint", () => draw(PAPER_WIDTH));
    window.addEventListener("afterprint", () => draw());
    let width = plot.clientWidth;
    new ResizeObserver(() => {
      if (plot.clientWidth === width) return;
      width = plot.clientWidth;
      draw();
    }).observe(plot);
  }

  function start() {
    element("explorer-names").append(...data.names.map((name) => {
      const option = document.createElement("option");
      option.value = name;
      return option;
    }));
    day.max = data.days - 1;
    day.value = data.days - 1;
    element("explorer-targets").hidden = CHOICES.target.length < 2;
    element("explorer").hidden = false;
    listen();
    fromAddress();
  }

  start();
})();
