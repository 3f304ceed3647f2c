"use strict";
/* What a page works out: numbers in, answers out, nothing shown. The formulas stand in `programs`, printed from the
   model's own expressions; `page` holds the scenario's numbers. None of them is stated here again. */

const TERMS = ["compute", "memory", "interconnect"];
const KINDS = ["weights", "kv", "activations"];
const PAIRS = [
  ["compute", "memory"],
  ["memory", "interconnect"],
  ["compute", "interconnect"],
];
/* What a step has though a link that it needs is not there. */
const STANDING = ["compute", "memory", "scale_up", "scale_out", "memory_per_chip", "filled", "usable"];
const GRID = 600; // two crossings of one pair that lie closer than a step, 4 %, would be missed
const control = Object.fromEntries(page.controls.map((one) => [one.name, one]));

/* A state: a number for each control, the format of each kind, and the place of a layout in the list. */
function beginning() {
  const formats = Object.fromEntries(KINDS.map((kind) => [kind, page.formats[kind].chosen]));
  const state = { numbers: {}, formats, layout: page.layouts.start };
  for (const one of page.controls) state.numbers[one.name] = one.value === null ? NaN : one.value;
  return state;
}

/* The option of a kind of format; multiply-adds of which nothing is said go with the weights. */
function option(state, kind) {
  const { options } = page.formats[kind];
  const chosen = state.formats[kind];
  if (kind !== "activations" || chosen !== "own") return options[chosen];
  return options[page.formats.follows[state.formats.weights]] ?? options.own;
}

/* Chooses a format: what a control shows of it, as the peak, becomes the format's own number again. */
function withFormat(state, kind, chosen) {
  const next = { ...state, numbers: { ...state.numbers }, formats: { ...state.formats, [kind]: chosen } };
  for (const one of KINDS) {
    const values = option(next, one).values;
    if (values === option(state, one).values) continue;
    for (const [name, value] of Object.entries(values)) if (name in next.numbers) next.numbers[name] = value;
  }
  return next;
}

/* Every number that formulas read. A link without a figure is so slow that what needs it never ends. */
function numbersOf(state) {
  const row = page.layouts.rows[state.layout];
  const layout = Object.fromEntries(page.layouts.names.map((name, place) => [name, row[place]]));
  const formats = KINDS.map((kind) => option(state, kind).values);
  const numbers = Object.assign({}, page.values, ...formats, layout, state.numbers);
  for (const name of Object.keys(page.links)) if (!(numbers[name] > 0)) numbers[name] = page.links[name];
  return numbers;
}

function formulas(load, state, kind) {
  return programs[page.families[`${load}|${page.layouts.listed[state.layout].split}|${kind}`]];
}

/* Ways to copy tokens to experts: where all of them lie in one domain there is one. */
function kindsOf(numbers) {
  const alone = numbers.expert_parallel === 1 || numbers.stage_chips <= numbers.scale_up_domain;
  return alone ? page.kinds.slice(0, 1) : page.kinds;
}

function bindingOf(times) {
  return TERMS.reduce((most, name) => (times[name] > times[most] ? name : most), TERMS[0]);
}

/* Everything that comes out, as a function of what curves are over: in the faster way to copy tokens. What needs a link
   that is not there has no number. */
function answers(state, numbers = numbersOf(state)) {
  const ways = kindsOf(numbers).map((kind) => [kind, formulas("whole", state, kind)(numbers)]);
  return (...at) => {
    let found = null;
    for (const [kind, way] of ways) {
      const one = way(...at);
      if (found === null || one.step_time < found.step_time) found = Object.assign(one, { kind });
    }
    if (found.step_time >= page.never) {
      for (const { key } of page.rows) if (!STANDING.includes(key) || found[key] >= page.never) found[key] = NaN;
    }
    if (page.estimate && "estimate" in found) {
      found.low = Math.max(found.step_time, found.estimate * page.estimate.low);
      found.high = found.estimate * page.estimate.high;
    }
    return found;
  };
}

/* The values here of what curves are over; ``over`` at another one. */
function placeOf(numbers, over = null, value = NaN) {
  return page.axes.map((name) => (name === over ? value : numbers[name]));
}

function answer(state) {
  const numbers = numbersOf(state);
  const found = answers(state, numbers)(...placeOf(numbers));
  found.bottleneck = Number.isFinite(found.step_time) ? bindingOf(found) : null;
  found.fits = Number.isFinite(found.filled + found.usable) ? found.filled <= found.usable : null;
  found.refused = Object.keys(page.limits)
    .filter((name) => found[name] > 0)
    .map((name) => page.limits[name]);
  found.outside = outsideOf(found, numbers);
  return found;
}

/* In what a step is unlike those to which the estimate was fitted. */
function outsideOf(found, numbers) {
  if (!page.estimate) return [];
  const beyond = page.estimate.seen.filter(({ of, range }) => {
    const value = of in numbers ? numbers[of] : found[of];
    return value < range[0] || value > range[1];
  });
  return [
    ...page.estimate.outside,
    ...beyond.map(({ name, range }) => `${name} outside ${plain(range[0])} to ${plain(range[1])}`),
  ];
}

/* The terms at the mean load, as a function of what curves are over: what curves and their crossings are of. */
function meanTerms(state, kind, numbers = numbersOf(state)) {
  return formulas("mean", state, kind)(numbers);
}

/* Where two terms meet over a quantity at the mean load: enclosed on a logarithmic grid, then halved to the end. */
function crossings(state, over, kind) {
  const found = [];
  const numbers = numbersOf(state);
  const program = meanTerms(state, kind, numbers);
  const terms = (value) => program(...placeOf(numbers, over, value));
  const here = terms(numbers[over]);
  const [least, most] = rangeOf(over, numbers, here);
  const grid = spaced(least, most, GRID);
  const times = grid.map(terms);
  for (const [one, other] of PAIRS) {
    if (!(here[one] > 0 && here[other] > 0 && Math.max(here[one], here[other]) < page.never)) continue;
    for (let place = 0; place < GRID; place += 1) {
      const before = times[place][one] - times[place][other];
      if (before * (times[place + 1][one] - times[place + 1][other]) >= 0) continue;
      let [low, high] = [grid[place], grid[place + 1]];
      for (let turn = 0; turn < 200 && low < (low + high) / 2 && (low + high) / 2 < high; turn += 1) {
        const there = terms((low + high) / 2);
        if ((there[one] - there[other]) * before > 0) low = (low + high) / 2;
        else high = (low + high) / 2;
      }
      const there = terms(low);
      const meet = Math.abs(there[one] - there[other]) <= 1e-9 * there[other]; // else a sign changed across a jump
      if (meet) found.push({ between: [one, other], value: low, time: there[one] });
    }
  }
  return found;
}

/* Values at equal ratios, both ends included. */
function spaced(least, most, steps) {
  return Array.from({ length: steps + 1 }, (_, place) => least * (most / least) ** (place / steps));
}

/* Between which values a quantity has a meaning. */
function rangeOf(over, numbers, here) {
  let [least, most] = control[over].sane;
  if (over === "prompt") least = Math.max(least, (numbers.cached || 0) + 2);
  if (over === "batch" && here.in_flight > 0) least = Math.max(least, numbers.batch / here.in_flight);
  return [least, most];
}
