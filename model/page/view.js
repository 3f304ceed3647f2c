"use strict";
/* The page at work: two scenarios at most, one of them under the controls; all that is shown follows from them. */

const sides = { a: beginning(), b: null, changed: "a" };
let waiting = null;

/* Both sides of a link; the second is there where the link says so. */
function fromLink(text) {
  sides.a = decoded(text);
  sides.b = new URLSearchParams(text).has("compare") ? decoded(text, "b.") : null;
  if (!sides.b) sides.changed = "a";
}

function toLink() {
  const parts = [encoded(sides.a), sides.b ? "compare=1" : "", sides.b ? encoded(sides.b, "b.") : ""];
  return parts.filter(Boolean).join("&");
}

function put(state) {
  sides[sides.changed] = state;
  later();
}

/* Once for all changes since the last picture; the address follows when hands rest. */
function later() {
  if (waiting === null)
    waiting = requestAnimationFrame(() => {
      waiting = null;
      redraw();
    });
}

let settling = 0;
function remember() {
  clearTimeout(settling);
  settling = setTimeout(() => {
    const text = toLink();
    if (text !== location.hash.slice(1)) history.replaceState(null, "", `#${text}`);
  }, 250);
}

const parts = controlsOf(() => sides[sides.changed], put);
const comparing = html("fieldset", { id: "comparing" }, html("legend", {}, "Scenarios"));
const compare = html("button", { type: "button", id: "compare" });
const reset = html("button", { type: "button", id: "reset" }, "As it was");
const picks = html("div", { role: "radiogroup", "aria-label": "Which scenario the controls change" });
compare.addEventListener("click", () => {
  sides.b = sides.b ? null : structuredClone(sides.a);
  sides.changed = sides.b ? "b" : "a";
  later();
});
reset.addEventListener("click", () => put(beginning()));
for (const side of ["a", "b"]) {
  const pick = html("input", { type: "radio", name: "side", id: `side-${side}`, value: side });
  pick.addEventListener("change", () => {
    sides.changed = side;
    later();
  });
  picks.append(pick, html("label", { for: pick.id }, ` change ${side.toUpperCase()} `));
}
comparing.append(compare, reset, picks);
document.getElementById("forms").append(comparing, parts.form);
addEventListener("hashchange", (event) => {
  fromLink(new URL(event.newURL).hash.slice(1)); // the address itself may be that of the former state by now
  later();
});

function ratio(one, other) {
  return Number.isFinite(other / one) ? `${short(other / one, 3)}×` : "—";
}

/* The table: a column for each scenario, and how many times the second is the first. */
function fill(answersHere) {
  const head = document.querySelector("#table thead tr");
  const names = answersHere.length > 1 ? ["A", "B", "B over A"] : ["A"];
  head.replaceChildren(
    html("th", { scope: "col" }, "quantity"),
    ...names.map((name) => html("th", { scope: "col", class: "number" }, name)),
  );
  for (const row of document.querySelectorAll("#table tbody tr[data-key]")) {
    const { key, unit } = row.dataset;
    const cells = answersHere.map((one, side) =>
      html("td", { class: "number", "data-side": "ab"[side], "data-value": String(one[key]) }, shown(one[key], unit)),
    );
    if (answersHere.length > 1)
      cells.push(html("td", { class: "number" }, ratio(answersHere[0][key], answersHere[1][key])));
    row.replaceChildren(row.firstElementChild, ...cells);
  }
  for (const row of document.querySelectorAll("#table tbody th[scope=rowgroup]")) row.colSpan = names.length + 1;
}

function words(one, name) {
  if (!one.bottleneck) return `${name}no step time: a link or a figure is missing`;
  if (name) {
    const short = Number.isFinite(one.estimate) ? ` (about ${si(one.estimate, "s")})` : "";
    const full = one.fits === false ? ", does not fit" : "";
    return `${name}${si(one.step_time, "s")}${short}, ${one.bottleneck} binds${full}`;
  }
  const practice = Number.isFinite(one.estimate) ? `, about ${si(one.estimate, "s")} in practice` : "";
  const fits = one.fits === false ? "; does not fit in memory" : "";
  const counted = page.rows[0].group;
  const time = si(one.step_time, "s");
  const said = counted === "at the bound" ? `at least ${time}` : `${time} ${counted}`;
  return `step time ${said}${practice}; ${one.bottleneck} binds${fits}`;
}

function warningsOf(one, name) {
  const found = one.refused.map((why) => `${name}no such step: ${why}`);
  if (one.fits === false) found.push(`${name}does not fit: ${si(one.filled, "B")} of ${si(one.usable, "B")} usable`);
  if (one.outside.length) found.push(`${name}estimate outside what was calibrated: ${one.outside.join("; ")}`);
  return found;
}

function redraw() {
  const begun = performance.now();
  const scenes = [sides.a, sides.b].filter(Boolean).map(scene);
  const answersHere = scenes.map((one) => one.answer);
  const name = (side) => (scenes.length > 1 ? `${"AB"[side]}: ` : "");
  fill(answersHere);
  document.getElementById("said").textContent = answersHere.map((one, side) => words(one, name(side))).join(". ");
  document.getElementById("warnings").textContent = answersHere
    .flatMap((one, side) => warningsOf(one, name(side)))
    .join(". ");
  document.getElementById("command").textContent = command(sides[sides.changed]);
  document.getElementById("link").href = `#${toLink()}`;
  document.getElementById("figures").replaceChildren(...figuresOf(scenes));
  const [{ numbers, answer: first }] = scenes;
  for (const cell of document.querySelectorAll("#letters [data-key]")) {
    const { key, unit } = cell.dataset;
    const value = key in sides.a.numbers ? sides.a.numbers[key] : key in numbers ? numbers[key] : first[key];
    cell.textContent = shown(value, unit);
  }
  compare.textContent = sides.b ? "Stop comparing" : "Compare with a copy";
  picks.hidden = !sides.b;
  for (const side of ["a", "b"]) document.getElementById(`side-${side}`).checked = sides.changed === side;
  parts.update();
  remember();
  document.documentElement.dataset.redrawn = (performance.now() - begun).toFixed(1);
  document.documentElement.dataset.state = toLink();
}

fromLink(location.hash.slice(1));
redraw();
