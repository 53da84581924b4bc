// What the scripts of a page share: unpacking, picking a name, axes of dates, SVG, the page's address.
// They need no server and no library. Names come from files, so they only ever become text nodes and attribute values.
"use strict";

const shared = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const DAY = 86_400_000;
  const PAPER_WIDTH = 700;

  const element = (id) => document.getElementById(id);

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

  // ---- dates ----

  // Day 0 is `first`, an ISO date.
  function calendar(first, days) {
    const start = Date.parse(first + "T00:00:00Z");
    const dateOf = (at) => new Date(start + at * DAY).toISOString().slice(0, 10);

    // First days of months or years, so few that their labels do not touch.
    function months(width) {
      const from = new Date(start);
      const room = (step) => width / (step < 12 ? 75 : 45);
      const step = [1, 2, 3, 6, 12, 24, 60].find((step) => days / 30.4 / step <= room(step)) ?? 120;
      const ticks = [];
      for (let month = Math.ceil(from.getUTCMonth() / step) * step; ; month += step) {
        const time = Date.UTC(from.getUTCFullYear(), month, 1);
        const at = Math.round((time - start) / DAY);
        if (at >= days) return ticks;
        if (at >= 0) ticks.push({ at, label: new Date(time).toISOString().slice(0, step < 12 ? 7 : 4) });
      }
    }

    // A time of few months has few firsts of a month: its ticks are days and weeks apart.
    function ticks(width) {
      if (days > 100) return months(width);
      const most = Math.max(1, Math.floor(width / 100));
      const step = [1, 2, 7, 14, 28, 56, 112].find((step) => (days - 1) / step <= most);
      const all = [];
      for (let at = 0; at < days; at += step) all.push({ at, label: dateOf(at) });
      return all;
    }

    return { days, dateOf, ticks };
  }

  // ---- axes of counts ----

  function linearAxis(low, high) {
    const to = high > low ? high : low + 1;
    const power = 10 ** Math.floor(Math.log10((to - low) / 5));
    // A count has no fractions, and a tick below 1 would say the same twice.
    const step = Math.max(1, [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= (to - low) / 5));
    const ticks = [];
    for (let at = Math.floor(low / step); at <= Math.ceil(to / step); at++) ticks.push(at * step);
    const [start, end] = [ticks[0], ticks[ticks.length - 1]];
    return { ticks, share: (value) => (value - start) / (end - start), shows: () => true };
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

  // `scale` tells where a day and a value stand; `left` is the plot's left edge.
  function drawAxes(svg, scale, { left, calendar, format }) {
    for (const tick of scale.ticks) {
      const y = scale.y(tick);
      child(svg, "line", { class: tick === 0 ? "base" : "grid", x1: left, x2: scale.right, y1: y, y2: y });
      child(svg, "text", { class: "value", x: left - 8, y: y + 4 }, format(tick));
    }
    for (const { at, label } of calendar.ticks(scale.width)) {
      const x = scale.x(at);
      child(svg, "line", { class: "base", x1: x, x2: x, y1: scale.bottom, y2: scale.bottom + 5 });
      const anchor = x < left + 24 ? "start" : x > scale.right - 24 ? "end" : "middle";
      child(svg, "text", { x, y: scale.bottom + 20, "text-anchor": anchor }, label);
    }
  }

  function paper(width, height) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("role", "img");
    return svg;
  }

  // Draws again when the plot's width changes.
  function redraw(plot, draw) {
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

  // ---- picking a name, and the page's address ----

  // The whole name, else a name that begins like it, else one that holds it; whatever the case.
  function find(names, text) {
    const wanted = text.trim().toLowerCase();
    if (wanted === "") return undefined;
    const lower = names.map((name) => name.toLowerCase());
    const at = [(name) => name === wanted, (name) => name.startsWith(wanted), (name) => name.includes(wanted)]
      .map((fits) => lower.findIndex(fits))
      .find((at) => at >= 0);
    return names.includes(text) ? text : names[at];
  }

  // A field with a list of names. `shown` tells the name that is shown, `pick` takes another.
  function picker({ field, list, status, names, shown, pick }) {
    list.append(...names.map((name) => {
      const option = document.createElement("option");
      option.value = name;
      return option;
    }));
    // The name that is meant; says so where there is none.
    const look = (text) => {
      const found = find(names, text);
      status.textContent = found === undefined && text.trim() !== "" ? `No location matches “${text.trim()}”.` : "";
      return found;
    };
    const search = (text) => {
      const found = look(text);
      if (found !== undefined) pick(found);
    };
    // A list filtered by the name that is shown would hold that name alone, so the field is blank while it is typed in.
    field.addEventListener("focus", () => { field.value = ""; });
    field.addEventListener("blur", () => { field.value = shown(); });
    field.addEventListener("input", () => { if (names.includes(field.value)) search(field.value); });
    field.addEventListener("change", () => search(field.value));
    const sync = () => {
      field.placeholder = shown();
      if (document.activeElement !== field) field.value = shown();
    };
    return { look, sync };
  }

  // The state of all of a page's scripts stands in the address after `#`, each under its own names.
  const address = () => new URLSearchParams(location.hash.slice(1));

  function remember(state) {
    const all = address();
    for (const [name, value] of Object.entries(state)) all.set(name, value);
    history.replaceState(null, "", "#" + all);
  }

  return { element, decode, calendar, linearAxis, child, drawLine, drawAxes, paper, redraw, picker, address, remember };
})();
