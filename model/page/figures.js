"use strict";
/* The pictures of a page, each from one or two scenarios: what is drawn, over what, and what is said of it. */

const CURVE = 96,
  ACROSS = 60,
  UP = 36;
const unitOf = { batch: "", context: "", prompt: "", sequence: "" };

/* Values of a quantity along a curve, at which one of whole numbers is whole. */
function along(name, steps = CURVE) {
  const one = control[name];
  const found = spaced(Math.max(one.low, 1), one.high, steps);
  return one.whole ? [...new Set(found.map(Math.round))] : found;
}

function acrossOf(name) {
  const values = along(name);
  return { label: name, unit: unitOf[name] ?? "", low: values[0], high: values[values.length - 1] };
}

/* A scenario with what its pictures need, worked out once. */
function scene(state) {
  const numbers = numbersOf(state);
  const found = answer(state);
  const curves = Object.fromEntries(
    page.axes.map((over) => {
      const [terms, every] = [meanTerms(state, found.kind, numbers), answers(state, numbers)];
      const values = along(over);
      const [mean, whole] = [terms, every].map((of) => values.map((value) => of(...placeOf(numbers, over, value))));
      return [over, { values, mean, whole, crossings: crossings(state, over, found.kind) }];
    }),
  );
  return { state, numbers, answer: found, curves };
}

/* Seconds that end. */
function inTime(seconds) {
  return seconds < page.never ? seconds : NaN;
}

const STYLES = [
  ["compute", "compute"],
  ["memory", "memory"],
  ["interconnect", "interconnect"],
];

function figure(caption, ...inner) {
  return html("figure", {}, html("figcaption", {}, caption), ...inner);
}

/* Time against a quantity: the terms at the mean load, where they cross; bound and estimate with whole sequences. */
function timeFigure(scenes, over) {
  const lines = [],
    dots = [],
    marks = [],
    said = [];
  scenes.forEach((one, side) => {
    const { values, mean, whole, crossings: met } = one.curves[over];
    const other = side ? " other" : "";
    lines.push({ style: `bound${other}`, points: values.map((value, place) => [value, whole[place].step_time]) });
    for (const [key, style] of STYLES) {
      lines.push({ style: style + other, points: values.map((value, place) => [value, inTime(mean[place][key])]) });
    }
    if (page.estimate) {
      lines.push({ style: `estimate${other}`, points: values.map((value, place) => [value, whole[place].estimate]) });
    }
    dots.push({ at: [one.numbers[over], one.answer.step_time], style: side ? "other" : "" });
    met.forEach(({ between, value, time }) => {
      const name = "abcdefghijklmnop"[marks.length] ?? "·";
      marks.push({ at: [value, time], name });
      const where = [
        scenes.length > 1 ? "AB"[side] : "",
        value > values[values.length - 1] ? "beyond the picture" : "",
      ];
      const beside = where.filter(Boolean).join(", ");
      said.push(`${name}: ${between.join(" = ")} at ${over} ${plain(value)}${beside ? ` (${beside})` : ""}`);
    });
  });
  const label = `Time of a step against ${over}. ${said.join("; ") || "No two terms cross."}`;
  const chart = lineChart({
    label,
    across: acrossOf(over),
    up: { said: (value) => si(value, "s") },
    lines,
    marks,
    dots,
  });
  const names = [...STYLES.map(([key, style]) => ({ style, name: key })), { style: "bound", name: "bound" }];
  if (page.estimate) names.push({ style: "estimate", name: "in practice" });
  const thin = scenes.length > 1 ? "thin lines and hollow dots: B. " : "";
  const crossed = html("p", { class: "legend" }, thin + (said.join("; ") || "no two terms cross"));
  return figure(
    `Time against ${over}. Terms at the mean load; bound and estimate with whole sequences.`,
    chart,
    legendOf(names),
    crossed,
  );
}

/* What tokens cost against the batch, where the machine has a price. */
function costFigure(scenes) {
  const over = page.axes[0];
  const lines = scenes.flatMap((one, side) => {
    const { values, whole } = one.curves[over];
    const line = (key, style) => ({
      style: style + (side ? " other" : ""),
      points: values.map((value, place) => [value, whole[place][key]]),
    });
    const estimated = page.estimate ? [line("estimate_dollars_per_million_tokens", "estimate")] : [];
    return [line("dollars_per_million_tokens", "bound"), ...estimated];
  });
  const dots = scenes.map((one, side) => ({
    at: [one.numbers[over], one.answer.dollars_per_million_tokens],
    style: side ? "other" : "",
  }));
  const up = { said: (value) => shown(value, "$") };
  const chart = lineChart({
    label: `Dollars for a million tokens against ${over}`,
    across: acrossOf(over),
    up,
    lines,
    dots,
  });
  const names = [
    { style: "bound", name: page.rows[0].group },
    ...(page.estimate ? [{ style: "estimate", name: "in practice" }] : []),
  ];
  return figure(`Dollars for a million tokens against ${over}.`, chart, legendOf(names));
}

/* Where one of two neighbours gives way to another: halved in equal ratios. */
function between(low, high, at, turns = 12) {
  const before = at(low);
  for (let turn = 0; turn < turns; turn += 1) {
    const middle = Math.sqrt(low * high);
    if (at(middle) === before) low = middle;
    else high = middle;
  }
  return Math.sqrt(low * high);
}

/* Lines between areas: along each row and each column of places the points at which another term becomes the largest,
   joined to the nearest of the next row or column that lies between the same two. */
function boundaries(xs, ys, largest, at) {
  const found = [];
  const joined = (first, second, turned) => {
    let former = [];
    for (let row = 0; row < first.length; row += 1) {
      const here = [];
      for (let place = 0; place + 1 < second.length; place += 1) {
        const [one, other] = [place, place + 1].map((cell) => (turned ? largest[cell][row] : largest[row][cell]));
        if (one === other) continue;
        const value = between(second[place], second[place + 1], (there) =>
          turned ? at(first[row], there) : at(there, first[row]),
        );
        here.push({ pair: `${one}-${other}`, place, point: turned ? [first[row], value] : [value, first[row]] });
      }
      for (const { pair, place, point } of here) {
        const near = former.filter((one) => one.pair === pair && Math.abs(one.place - place) < 2);
        if (near.length) found.push([near[0].point, point]);
      }
      former = here;
    }
  };
  joined(ys, xs, false);
  joined(xs, ys, true);
  return found;
}

/* Which term binds over batch and length, at the mean load; the lines between are numeric, where a closed form has no
   say. */
function regimeFigure(scenes) {
  const [over, length] = page.axes;
  const [one] = scenes;
  if (!one.answer.bottleneck)
    return figure("What binds.", html("p", {}, "nothing to draw: a link or a figure is missing"));
  const terms = meanTerms(one.state, one.answer.kind, one.numbers);
  const [across, up] = [acrossOf(over), { ...acrossOf(length), said: (value) => si(value, "") }];
  const middles = (low, high, steps) =>
    spaced(low, high, steps)
      .slice(0, -1)
      .map((value) => value * (high / low) ** (0.5 / steps));
  const [xs, ys] = [middles(across.low, across.high, ACROSS), middles(up.low, up.high, UP)];
  const at = (sequences, tokens) => TERMS.indexOf(bindingOf(terms(sequences, tokens)));
  const largest = ys.map((tokens) => xs.map((sequences) => at(sequences, tokens)));
  const lines = boundaries(xs, ys, largest, at);
  const dots = scenes.map((each, side) => ({
    at: [each.numbers[over], each.numbers[length]],
    style: side ? "other" : "",
  }));
  const there = TERMS.filter((_, term) => largest.some((row) => row.includes(term)));
  const chart = mapChart({
    label: `What binds over ${over} and ${length}: ${there.join(", ")}`,
    across,
    up,
    largest,
    lines,
    dots,
  });
  const names = there.map((term) => ({ style: term, name: term }));
  return figure(
    `What binds: ${over} across, ${length} upwards${scenes.length > 1 ? ", of A" : ""}. Mean load.`,
    chart,
    legendOf(names, "area"),
    ...(lines.length ? [legendOf([{ style: "boundary", name: "boundary, numeric" }])] : []),
  );
}

/* The terms and the step beside each other. */
function barFigure(scenes) {
  const rows = [
    ["compute", "compute", "compute"],
    ["memory", "memory", "memory"],
    ["scale-up", "scale_up", "interconnect"],
    ["scale-out", "scale_out", "interconnect"],
    ["bound", "step_time", "bound"],
  ];
  if (page.estimate) rows.push(["in practice", "estimate", "estimate"]);
  const bars = rows.flatMap(([name, key, style]) =>
    scenes.map((one, side) => ({
      name: scenes.length > 1 ? `${name}, ${"AB"[side]}` : name,
      style,
      value: one.answer[key],
      said: si(one.answer[key], "s"),
    })),
  );
  return figure(
    "Where the time goes.",
    barChart({ label: bars.map((bar) => `${bar.name} ${bar.said}`).join(", "), bars }),
  );
}

function figuresOf(scenes) {
  const found = [barFigure(scenes), ...page.axes.map((over) => timeFigure(scenes, over))];
  if (scenes.some((one) => Number.isFinite(one.answer.dollars_per_million_tokens))) found.push(costFigure(scenes));
  return [...found, regimeFigure(scenes)];
}
