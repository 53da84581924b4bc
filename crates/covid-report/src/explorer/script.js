// The location explorer: draws the series of the location that is picked. After shared.js.
"use strict";

(() => {
  const { element, child, drawLine } = shared;
  const WEEK = 7;
  // A mean over fewer days of the 7 would be that of other days than it says.
  const FEWEST_DAYS = 4;
  const MARGIN = { top: 12, right: 20, bottom: 28, left: 58 };
  const TARGETS = { cases: "confirmed cases", deaths: "deaths" };

  const data = JSON.parse(element("explorer-data").textContent);
  // What the source never published is not offered.
  const published = Object.keys(TARGETS).filter((_, at) => data.published[at]);
  const CHOICES = {
    measure: ["cumulative", "new"],
    target: published.length > 0 ? published : Object.keys(TARGETS),
    scale: ["linear", "log"],
  };
  const calendar = shared.calendar(data.first, data.days);
  const { dateOf } = calendar;
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
  const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 3 });

  const form = element("explorer-form");
  const plot = element("explorer-plot");
  const caption = element("explorer-caption");
  const day = element("explorer-day");
  const reading = element("explorer-reading");

  let state = { location: data.names[0], measure: "new", target: CHOICES.target[0], scale: "linear" };
  let drawn = null;
  const picker = shared.picker({
    field: element("explorer-location"),
    list: element("explorer-names"),
    status: element("explorer-status"),
    names: data.names,
    shown: () => state.location,
    pick: (location) => pick({ location }),
  });

  // ---- the series ----

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
    const counts = shared.decode(data.series[data.names.indexOf(location)][Object.keys(TARGETS).indexOf(target)]);
    if (measure === "cumulative") return { lines: [{ kind: "mean", values: counts }], revisions: [] };
    const published = newCounts(counts);
    const revisions = published.flatMap((added, at) => (added < 0 ? [at] : []));
    return { lines: [{ kind: "published", values: published }, { kind: "mean", values: weeklyMean(counts) }], revisions };
  }

  // ---- axes ----

  function logAxis(high) {
    const last = Math.max(1, Math.ceil(Math.log10(Math.max(high, 1))));
    const ticks = Array.from({ length: last + 1 }, (_, power) => 10 ** power);
    // A mean below 1 is no count; it stands below the axis.
    return { ticks, share: (value) => Math.log10(value) / last, shows: (value) => value >= 1 };
  }

  // ---- drawing ----

  function scaleOf(lines, width, height) {
    const values = lines.flatMap((line) => line.values).filter((value) => value !== null);
    const high = values.reduce((a, b) => Math.max(a, b), 0);
    const low = values.reduce((a, b) => Math.min(a, b), 0);
    const { ticks, share, shows } = state.scale === "log" ? logAxis(high) : shared.linearAxis(low, high);
    const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
    const x = (at) => MARGIN.left + (at / Math.max(1, data.days - 1)) * inner.width;
    const y = (value) => MARGIN.top + (1 - share(value)) * inner.height;
    return { ticks, shows, x, y, bottom: height - MARGIN.bottom, right: width - MARGIN.right, width: inner.width };
  }

  function draw(width = Math.max(260, plot.clientWidth)) {
    const height = Math.round(Math.min(420, Math.max(260, width * 0.45)));
    const { lines, revisions } = seriesOf(state);
    const scale = scaleOf(lines, width, height);
    const svg = shared.paper(width, height);
    shared.drawAxes(svg, scale, { left: MARGIN.left, calendar, format: (tick) => compact.format(tick) });
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

  function show(changes) {
    state = { ...state, ...changes };
    for (const [name, value] of Object.entries(state)) {
      if (name !== "location") form.elements.namedItem(name).value = value;
    }
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
    for (const [name, values] of Object.entries(CHOICES)) {
      if (values.includes(asked.get(name))) changes[name] = asked.get(name);
    }
    const name = asked.get("location");
    const found = name === null ? undefined : picker.look(name);
    if (found !== undefined) changes.location = found;
    show(changes);
  }

  function listen() {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", ({ target }) => { if (target.name in CHOICES) pick({ [target.name]: target.value }); });
    day.addEventListener("input", read);
    plot.addEventListener("pointermove", point);
    plot.addEventListener("pointerdown", point);
    window.addEventListener("hashchange", fromAddress);
    shared.redraw(plot, draw);
  }

  function start() {
    day.max = data.days - 1;
    day.value = data.days - 1;
    element("explorer-targets").hidden = CHOICES.target.length < 2;
    element("explorer").hidden = false;
    listen();
    fromAddress();
  }

  start();
})();
