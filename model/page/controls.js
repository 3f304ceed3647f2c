"use strict";
/* Sliders, fields and lists, each of one quantity or choice of the scenario that is being changed. */

const STEPS = 1000;
const GROUPS = { work: "Work", machine: "One chip and its links", beside: "Shares, starts and load (of the bound)" };

/* Where a slider stands, and the number that it stands for. */
function positionOf(one, value) {
  if (!Number.isFinite(value)) return 0;
  const share = one.linear
    ? (value - one.low) / (one.high - one.low)
    : Math.log(value / one.low) / Math.log(one.high / one.low);
  return Math.round(STEPS * Math.min(1, Math.max(0, share)));
}

function valueAt(one, position, before) {
  const share = position / STEPS;
  let value = one.linear ? one.low + (one.high - one.low) * share : one.low * (one.high / one.low) ** share;
  value = one.whole ? Math.round(value) : Number(value.toPrecision(4));
  // One step changes something, also where whole numbers lie far apart.
  if (one.whole && value === before) value += Math.sign(position - positionOf(one, before));
  return Math.min(one.sane[1], Math.max(one.sane[0], value));
}

function choice(id, label, changed) {
  const list = html("select", { id });
  list.addEventListener("change", () => changed(list.value));
  return { list, row: html("div", { class: "control" }, html("label", { for: id }, label), list) };
}

function options(list, entries, chosen) {
  const text = JSON.stringify(entries);
  if (list.dataset.entries !== text) {
    // what has not changed keeps its focus
    list.replaceChildren(...entries.map(([value, said]) => html("option", { value }, said)));
    list.dataset.entries = text;
  }
  list.value = chosen;
}

/* The controls. `now` gives the state that they show; `put` takes the next one. */
function controlsOf(now, put) {
  const form = html("form", { "aria-label": "Scenario" });
  form.addEventListener("submit", (event) => event.preventDefault());
  const updates = [layoutControls(form, now, put), ...KINDS.map((kind) => formatControl(form, kind, now, put))];
  for (const [group, title] of Object.entries(GROUPS)) {
    const ours = page.controls.filter((one) => one.group === group);
    if (!ours.length) continue;
    const box = group === "work" ? html("fieldset", {}, html("legend", {}, title)) : folded(title);
    if (group === "work") form.prepend(box);
    else form.append(box);
    for (const one of ours) updates.push(numberControl(box, one, now, put));
  }
  return { form, update: () => updates.forEach((update) => update()) };
}

/* A group that is open where there is room for it. */
function folded(title) {
  const box = html("details", { class: "group" }, html("summary", {}, title));
  box.open = matchMedia("(min-width: 60rem)").matches;
  return box;
}

function numberControl(box, one, now, put) {
  const field = html("input", {
    type: "text",
    id: `field-${one.name}`,
    inputmode: "decimal",
    autocomplete: "off",
    spellcheck: "false",
  });
  const slide = html("input", {
    type: "range",
    id: `slide-${one.name}`,
    min: 0,
    max: STEPS,
    step: 1,
    "aria-label": `${one.name}, slider`,
  });
  const label = html("label", { for: field.id, title: one.meaning });
  label.innerHTML = `${one.letter} `; // our own MathML
  label.append(one.name.replaceAll("_", " "), html("span", { class: "quiet" }, ` ${one.unit}`));
  const set = (value) => put({ ...now(), numbers: { ...now().numbers, [one.name]: value } });
  slide.addEventListener("input", () => set(valueAt(one, Number(slide.value), now().numbers[one.name])));
  let untouched = "";
  const enter = () => {
    if (field.value === untouched) return;
    const value = read(field.value, one);
    field.setAttribute("aria-invalid", String(value === null));
    if (value !== null && value !== now().numbers[one.name]) set(value);
  };
  field.addEventListener("change", enter);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") enter();
  });
  box.append(html("div", { class: "control" }, label, slide, field));
  return () => {
    const value = now().numbers[one.name];
    if (document.activeElement !== field || read(field.value, one) !== value) {
      field.value = untouched = written(value, one.unit);
      field.setAttribute("aria-invalid", "false");
    }
    slide.value = positionOf(one, value);
    slide.setAttribute("aria-valuetext", written(value, one.unit) || "no figure");
  };
}

function formatControl(form, kind, now, put) {
  const { options: known } = page.formats[kind];
  const label = kind === "kv" ? "KV cache" : kind;
  const { list, row } = choice(`choose-${kind}`, label, (value) => put(withFormat(now(), kind, value)));
  let box = form.querySelector("#formats");
  if (!box) form.append((box = html("fieldset", { id: "formats" }, html("legend", {}, "Precision"))));
  box.append(row);
  return () => {
    const own =
      kind === "activations" ? option({ ...now(), formats: { ...now().formats, [kind]: "own" } }, kind) : known.own;
    const said = kind === "activations" ? "with the weights" : "the model's own";
    options(
      list,
      Object.keys(known).map((name) => [name, name === "own" ? `${own.format} (${said})` : name]),
      now().formats[kind],
    );
  };
}

function layoutControls(form, now, put) {
  const { listed } = page.layouts;
  const numbers = [...new Set(listed.map((one) => one.chips))];
  const pick = (place) => put({ ...now(), layout: Number(place) });
  const chips = choice("choose-chips", "chips", (value) =>
    pick(listed.findIndex((one) => one.chips === Number(value))),
  );
  const degrees = choice("choose-layout", "degrees of parallelism", pick);
  form.append(html("fieldset", {}, html("legend", {}, "Layout"), chips.row, degrees.row));
  return () => {
    const here = listed[now().layout].chips;
    options(
      chips.list,
      numbers.map((number) => [String(number), plain(number)]),
      String(here),
    );
    const shown = listed.map((one, place) => [String(place), one]).filter(([, one]) => one.chips === here);
    options(
      degrees.list,
      shown.map(([place, one]) => [place, degreesSaid(one.text)]),
      String(now().layout),
    );
  };
}

function degreesSaid(text) {
  return (
    text
      .split(",")
      .filter((part) => !part.endsWith("=1"))
      .join(" ") || "one chip"
  );
}
