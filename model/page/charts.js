"use strict";
/* Pictures as SVG: lines on logarithmic axes, bars, and a map of which term binds. */

const WIDTH = 560,
  HEIGHT = 330,
  LEFT = 66,
  RIGHT = 14,
  TOP = 12,
  BOTTOM = 44;

function made(tag, attributes = {}, ...children) {
  const found = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value);
  found.append(...children);
  return found;
}

function html(tag, attributes = {}, ...children) {
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value);
  found.append(...children);
  return found;
}

/* From values to places on paper, evenly in the logarithm. */
function scale(low, high, from, to) {
  const length = Math.log(high / low) || 1;
  return (value) => from + ((to - from) * Math.log(value / low)) / length;
}

/* Powers of ten between two values; of a short span also twice and five times each. */
function ticks(low, high) {
  const few = Math.log10(high / low) < 2.5 ? [1, 2, 5] : [1];
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const times of few) found.push(times * 10 ** power);
  }
  const inside = found.filter((value) => value >= low * 0.999 && value <= high * 1.001);
  const every = Math.ceil(inside.length / 8);
  return inside.filter((_, place) => place % every === 0);
}

function axes(x, y, across, up) {
  const found = made("g");
  for (const value of ticks(across.low, across.high)) {
    found.append(made("path", { class: "grid", d: `M${x(value)} ${TOP}V${HEIGHT - BOTTOM}` }));
    found.append(
      made("text", { x: x(value), y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }, si(value, across.unit)),
    );
  }
  for (const value of ticks(up.low, up.high)) {
    found.append(made("path", { class: "grid", d: `M${LEFT} ${y(value)}H${WIDTH - RIGHT}` }));
    found.append(made("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, up.said(value)));
  }
  found.append(made("path", { class: "axis", d: `M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}` }));
  found.append(made("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 8, "text-anchor": "middle" }, across.label));
  return found;
}

/* Lines, each of points with a class; marks with a letter; dots for where the scenarios are. */
function lineChart({ label, across, up, lines, marks = [], dots = [] }) {
  const values = lines.flatMap((line) => line.points.map((point) => point[1])).filter((value) => value > 0);
  if (!values.length) return html("p", {}, "nothing to draw: a figure is missing");
  const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  const shownUp = { ...up, low: Math.max(low, high / 1e6) / 1.2, high: high * 1.2 };
  const x = scale(across.low, across.high, LEFT, WIDTH - RIGHT);
  const y = scale(shownUp.low, shownUp.high, HEIGHT - BOTTOM, TOP);
  const inside = (point) => point[1] >= shownUp.low && point[1] <= shownUp.high;
  const found = made(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
    axes(x, y, across, shownUp),
  );
  for (const line of lines) {
    const drawn = line.points.filter(inside).map((point) => `${x(point[0]).toFixed(2)} ${y(point[1]).toFixed(2)}`);
    if (drawn.length) found.append(made("path", { class: `curve ${line.style}`, d: `M${drawn.join("L")}` }));
  }
  marks
    .filter((one) => inside(one.at) && one.at[0] >= across.low && one.at[0] <= across.high)
    .forEach((mark, place) => {
      const away = place % 2 ? 19 : -8; // names of close ones stand on either side
      found.append(made("circle", { class: "mark", cx: x(mark.at[0]), cy: y(mark.at[1]), r: 5 }));
      found.append(made("text", { x: x(mark.at[0]) + (place % 2 ? 7 : -14), y: y(mark.at[1]) + away }, mark.name));
    });
  for (const dot of dots.filter((one) => inside(one.at))) {
    found.append(made("circle", { class: `dot ${dot.style}`, cx: x(dot.at[0]), cy: y(dot.at[1]), r: 4.5 }));
  }
  return found;
}

/* Which term is the largest at each place: runs of equal ones in a row are one piece; the widest bears its name; and
   the lines between, each from one place to the next. */
function mapChart({ label, across, up, largest, lines = [], dots }) {
  const x = scale(across.low, across.high, LEFT, WIDTH - RIGHT);
  const y = scale(up.low, up.high, HEIGHT - BOTTOM, TOP);
  const [columns, rows] = [largest[0].length, largest.length];
  const [wide, tall] = [(WIDTH - RIGHT - LEFT) / columns, (HEIGHT - BOTTOM - TOP) / rows];
  const found = made("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label });
  const widest = {};
  largest.forEach((row, place) => {
    for (let start = 0, end; start < columns; start = end) {
      for (end = start + 1; end < columns && row[end] === row[start]; end += 1);
      const piece = { x: LEFT + start * wide, y: HEIGHT - BOTTOM - (place + 1) * tall, width: (end - start) * wide };
      const shape = { x: piece.x, y: piece.y, width: piece.width, height: tall };
      found.append(made("rect", { class: `area ${TERMS[row[start]]}`, "shape-rendering": "crispEdges", ...shape }));
      (widest[row[start]] ??= []).push(piece);
    }
  });
  const drawn = lines.map(([from, to]) => `M${[from, to].map(([one, other]) => `${x(one)} ${y(other)}`).join("L")}`);
  if (drawn.length) found.append(made("path", { class: "curve boundary", d: drawn.join("") }));
  found.append(axes(x, y, across, up));
  for (const [term, pieces] of Object.entries(widest)) {
    const most = Math.max(...pieces.map((piece) => piece.width));
    const same = pieces.filter((piece) => piece.width >= 0.98 * most);
    const { x: left, y: above, width } = same[Math.floor(same.length / 2)];
    if (width < 60) continue; // the legend names it
    const middle = Math.min(Math.max(left + width / 2, LEFT + 55), WIDTH - RIGHT - 55);
    found.append(
      made("text", { x: middle, y: above + tall, "text-anchor": "middle", "font-weight": 600 }, `${TERMS[term]} binds`),
    );
  }
  for (const dot of dots)
    found.append(made("circle", { class: `dot ${dot.style}`, cx: x(dot.at[0]), cy: y(dot.at[1]), r: 5 }));
  return found;
}

/* One bar a row: its name, its length, its value. */
function barChart({ label, bars }) {
  const most = Math.max(...bars.map((bar) => bar.value).filter(Number.isFinite));
  const [tall, left, right] = [22, 150, 76];
  const found = made("svg", { viewBox: `0 0 ${WIDTH} ${bars.length * tall + 6}`, role: "img", "aria-label": label });
  bars.forEach((bar, place) => {
    const width = Number.isFinite(bar.value) && most > 0 ? ((WIDTH - left - right) * bar.value) / most : 0;
    const y = place * tall + 4;
    found.append(made("text", { x: left - 8, y: y + 13, "text-anchor": "end" }, bar.name));
    found.append(
      made("rect", { class: `bar ${bar.style}`, x: left, y, width: Math.max(width, 0.5), height: tall - 6 }),
    );
    found.append(made("text", { x: left + width + 6, y: y + 13 }, bar.said));
  });
  return found;
}

/* What lines, or areas, mean. */
function legendOf(lines, kind = "curve") {
  return html(
    "ul",
    { class: "legend" },
    ...lines.map(({ style, name }) => {
      const d = kind === "area" ? "M1 0H31V10H1Z" : "M1 5H31";
      const sample = made(
        "svg",
        { viewBox: "0 0 32 10", "aria-hidden": "true" },
        made("path", { class: `${kind} ${style}`, d }),
      );
      return html("li", {}, sample, name);
    }),
  );
}
