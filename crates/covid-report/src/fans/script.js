// Forecasts of a location as fans over what was published. After shared.js.
"use strict";

(() => {
  const { element, child } = shared;
  const MARGIN = { top: 12, right: 20, bottom: 28 };
  const LETTER = 7.5;
  const TARGETS = { cases: "confirmed cases", deaths: "deaths" };
  // A day of a forecast is seven quantiles and a point.
  const COLUMNS = 8;
  const POINT = 7;
  const INTERVALS = [["95 %", 0, 6], ["80 %", 1, 5], ["50 %", 2, 4]];

  const data = JSON.parse(element("fans-data").textContent);
  const offered = Object.keys(TARGETS).filter((_, at) => data.series.some((series) => series[at] !== null));
  const calendar = shared.calendar(data.first, data.days);
  const { dateOf } = calendar;
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 3 });

  const form = element("fans-form");
  const plot = element("fans-plot");
  const caption = element("fans-caption");
  const day = element("fans-day");
  const reading = element("fans-reading");

  let state = { fan: data.names[0], "fan-target": offered[0] };
  let drawn = null;
  const picker = shared.picker({
    field: element("fans-location"),
    list: element("fans-names"),
    status: element("fans-status"),
    names: data.names,
    shown: () => state.fan,
    pick: (fan) => pick({ fan }),
  });

  // What was published, and the forecasts: of each the day after its as-of date, and the rows of its days.
  function unpack() {
    const packed = data.series[data.names.indexOf(state.fan)][Object.keys(TARGETS).indexOf(state["fan-target"])];
    if (packed === null) return { actuals: [], forecasts: [] };
    const forecasts = packed.forecasts.map(([start, text]) => {
      const values = shared.decode(text);
      const rows = [];
      for (let at = 0; at < values.length; at += COLUMNS) rows.push(values.slice(at, at + COLUMNS));
      return { start, rows };
    });
    return { actuals: shared.decode(packed.actuals), forecasts };
  }

  // ---- drawing ----

  function scaleOf({ actuals, forecasts }, width, height) {
    const values = [...actuals, ...forecasts.flatMap(({ rows }) => rows.flat())].filter((value) => value !== null);
    const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
    const low = values.reduce((a, b) => Math.min(a, b), Infinity);
    // Not from 0: cumulative counts are large beside what is forecast of them.
    const { ticks, share, shows } = values.length > 0 ? shared.linearAxis(low, high) : shared.linearAxis(0, 1);
    const short = ticks.map((tick) => compact.format(tick));
    const format = new Set(short).size === ticks.length ? compact : whole;
    const left = 16 + LETTER * Math.max(...ticks.map((tick) => format.format(tick).length));
    const inner = { width: width - left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
    const x = (at) => left + (at / Math.max(1, data.days - 1)) * inner.width;
    const y = (value) => MARGIN.top + (1 - share(value)) * inner.height;
    return {
      ticks, shows, x, y, left, format, bottom: height - MARGIN.bottom, right: width - MARGIN.right, width: inner.width,
    };
  }

  // A fan opens at its as-of date, whose count was known.
  function opened({ start, rows }, actuals) {
    const known = actuals[start - 1] ?? null;
    return known === null ? { start, rows } : { start: start - 1, rows: [Array(COLUMNS).fill(known), ...rows] };
  }

  function drawFan(svg, { start, rows }, { x, y }) {
    const edge = (column) => rows.map((row, at) => `${x(start + at).toFixed(1)} ${y(row[column]).toFixed(1)}`);
    for (const [, low, high] of INTERVALS) {
      child(svg, "path", { class: "band", d: `M${[...edge(high), ...edge(low).reverse()].join("L")}z` });
    }
    child(svg, "path", { class: rows.length > 1 ? "mean" : "mean dots", d: `M${edge(POINT).join("L")}h0` });
  }

  function draw(width = Math.max(260, plot.clientWidth)) {
    const height = Math.round(Math.min(420, Math.max(260, width * 0.45)));
    const shown = unpack();
    const scale = scaleOf(shown, width, height);
    const svg = shared.paper(width, height);
    shared.drawAxes(svg, scale, { left: scale.left, calendar, format: (tick) => scale.format.format(tick) });
    for (const fan of shown.forecasts) {
      const x = scale.x(fan.start - 1);
      child(svg, "line", { class: "origin", x1: x, x2: x, y1: MARGIN.top, y2: scale.bottom });
      drawFan(svg, opened(fan, shown.actuals), scale);
    }
    shared.drawLine(svg, { kind: "actual", values: shown.actuals }, scale);
    const cursor = child(svg, "line", { class: "cursor", y1: MARGIN.top, y2: scale.bottom });
    caption.textContent = describe(shown);
    svg.setAttribute("aria-label", caption.textContent);
    plot.replaceChildren(svg);
    drawn = { ...shown, scale, cursor };
    read();
  }

  function describe({ actuals, forecasts }) {
    const what = `${state.fan}: cumulative ${TARGETS[state["fan-target"]]}`;
    if (forecasts.length === 0) return `${what}. There is no forecast.`;
    const origins = forecasts.map(({ start }) => dateOf(start - 1)).join(", ");
    const days = forecasts.flatMap(({ start, rows }) => rows.map((row, at) => ({ row, actual: actuals[start + at] ?? null })));
    const known = days.filter(({ actual }) => actual !== null);
    const inside = ([, low, high]) => known.filter(({ row, actual }) => row[low] <= actual && actual <= row[high]).length;
    const text = `${what}, forecast as of ${origins}.`;
    if (known.length === 0) return `${text} Nothing was published of its days yet.`;
    const [all, , half] = INTERVALS.map(inside);
    return `${text} Of ${whole.format(known.length)} published counts ${whole.format(half)} are inside the 50 % interval, and ${whole.format(all)} inside the 95 % interval.`;
  }

  // ---- one day of the chart ----

  function read() {
    const at = Number(day.value);
    const x = drawn.scale.x(at);
    drawn.cursor.setAttribute("x1", x);
    drawn.cursor.setAttribute("x2", x);
    const actual = drawn.actuals[at] ?? null;
    let text = `${dateOf(at)}: ${actual === null ? "nothing published" : `published ${whole.format(actual)}`}`;
    // Of several forecasts of a day the latest.
    const fan = drawn.forecasts.findLast(({ start, rows }) => at >= start && at < start + rows.length);
    if (fan !== undefined) {
      const row = fan.rows[at - fan.start];
      const [all, , half] = INTERVALS.map(([name, low, high]) => `${name} ${whole.format(row[low])} to ${whole.format(row[high])}`);
      text += `, forecast as of ${dateOf(fan.start - 1)} ${whole.format(row[POINT])} (${half}; ${all})`;
    }
    reading.textContent = text;
    day.setAttribute("aria-valuetext", text);
  }

  function point(event) {
    const svg = plot.firstElementChild.getBoundingClientRect();
    const { left, width } = drawn.scale;
    day.value = Math.round(((event.clientX - svg.left - left) / width) * (data.days - 1));
    read();
  }

  // ---- what is picked, and the page's address ----

  function show(changes) {
    state = { ...state, ...changes };
    form.elements.namedItem("fan-target").value = state["fan-target"];
    picker.sync();
    draw();
  }

  function pick(changes) {
    show(changes);
    shared.remember(state);
  }

  function fromAddress() {
    const asked = shared.address();
    const changes = {};
    if (offered.includes(asked.get("fan-target"))) changes["fan-target"] = asked.get("fan-target");
    const name = asked.get("fan");
    const found = name === null ? undefined : picker.look(name);
    if (found !== undefined) changes.fan = found;
    show(changes);
  }

  function start() {
    day.max = data.days - 1;
    const last = unpack().forecasts.at(-1);
    day.value = last === undefined ? data.days - 1 : last.start + last.rows.length - 1;
    element("fans-targets").hidden = offered.length < 2;
    element("fans").hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", ({ target }) => {
      if (target.name === "fan-target") pick({ "fan-target": target.value });
    });
    day.addEventListener("input", read);
    plot.addEventListener("pointermove", point);
    plot.addEventListener("pointerdown", point);
    window.addEventListener("hashchange", fromAddress);
    // No element has such an address, so the browser would stay where the link is.
    document.addEventListener("click", ({ target }) => {
      if (target.closest('a[href^="#fan="]') !== null) element("fans").scrollIntoView();
    });
    shared.redraw(plot, draw);
    fromAddress();
  }

  start();
})();
