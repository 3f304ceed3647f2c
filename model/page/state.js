"use strict";
/* A state as text and back: the fragment of a link, the command line that asks for the same, numbers with units. */

const PREFIXES = { E: 1e18, P: 1e15, T: 1e12, G: 1e9, M: 1e6, k: 1e3, "": 1, m: 1e-3, u: 1e-6, µ: 1e-6, n: 1e-9 };

/* A value with a prefix and its unit, as tables have it. */
function si(value, unit = "") {
  if (!Number.isFinite(value)) return "—";
  const size = Math.abs(value);
  let steps = size < 1 ? ["", "m", "µ", "n"] : ["E", "P", "T", "G", "M", "k", ""];
  if (value === 0 || (/^(B|FLOP)/.test(unit) && size < 1) || (unit === "s" && size >= 1)) steps = [""];
  const prefix = steps.find((one) => size >= PREFIXES[one] * 0.99995) ?? steps[steps.length - 1];
  return `${short(value / PREFIXES[prefix])} ${prefix}${unit}`.trim();
}

/* So many digits; powers of ten where they are shorter. */
function short(value, digits = 4) {
  if (!Number.isFinite(value)) return "—";
  const [number, power] = value
    .toExponential(digits - 1)
    .split("e")
    .map(Number);
  if (value === 0 || (power >= -4 && power < digits)) return String(Number(value.toPrecision(digits)));
  return `${number}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

function plain(value) {
  if (!Number.isFinite(value)) return "—";
  const size = Math.abs(value);
  return size >= 1000 && size < 1e16 ? Math.round(value).toLocaleString("en-US") : short(value);
}

function shown(value, unit) {
  if (!Number.isFinite(value)) return "—";
  if (unit === "%") return `${(100 * value).toFixed(1)} %`;
  if (unit === "$") return value >= 1000 ? `$${plain(value)}` : `$${short(value)}`;
  return unit === "/s" ? `${plain(value)} /s` : unit === "" ? plain(value) : si(value, unit);
}

/* What stands in a field: six digits; the number behind it keeps all of its own. */
function written(value, unit) {
  if (!Number.isFinite(value)) return "";
  const [number, prefixed = ""] = unit && unit !== "$" ? si(value, unit).split(" ") : [String(value)];
  const prefix = prefixed.slice(0, prefixed.length - unit.length);
  const exact = unit && unit !== "$" ? short(value / PREFIXES[prefix], 6) : number;
  return `${exact} ${prefix}${unit && unit !== "$" ? unit : ""}`.trim();
}

/* The number in a field, with or without prefix and unit; null where it is none, or no sane one. */
function read(text, one) {
  const found = /^\s*\$?\s*(\d[\d,_]*\.?\d*(?:e[+-]?\d+)?|\.\d+)\s*([A-Za-zµ%][A-Za-z/µ]*)?\s*$/i.exec(text);
  if (!found) return null;
  let factor = 1;
  const after = found[2] ?? "";
  if (after === "%") factor = 0.01;
  else if (after && after !== one.unit) {
    const rest = one.unit && after.endsWith(one.unit) ? after.slice(0, after.length - one.unit.length) : after;
    if (!(rest in PREFIXES)) return null;
    factor = PREFIXES[rest];
  }
  return sane(Number(found[1].replace(/[,_]/g, "")) * factor, one);
}

function sane(value, one) {
  const whole = !one.whole || Number.isInteger(value);
  return Number.isFinite(value) && whole && value >= one.sane[0] && value <= one.sane[1] ? value : null;
}

/* The fragment of a link: what differs from the scenario that the page was made for. */
function encoded(state, before = "") {
  const first = beginning();
  const found = new URLSearchParams();
  for (const kind of KINDS)
    if (state.formats[kind] !== first.formats[kind]) found.set(before + kind, state.formats[kind]);
  if (state.layout !== first.layout) found.set(`${before}layout`, page.layouts.listed[state.layout].text);
  const usual = usualNumbers(state);
  for (const [name, value] of Object.entries(state.numbers)) {
    if (value !== usual[name] && Number.isFinite(value)) found.set(before + name, String(value));
  }
  return found.toString();
}

/* The numbers that controls have at a state's formats where nobody has touched them. */
function usualNumbers(state) {
  return KINDS.reduce((now, kind) => withFormat(now, kind, state.formats[kind]), beginning()).numbers;
}

/* The state of a fragment; what is unknown or not sane is left as it was. */
function decoded(text, before = "") {
  const given = new URLSearchParams(text);
  let state = beginning();
  for (const kind of KINDS) {
    const chosen = given.get(before + kind);
    if (chosen !== null && Object.hasOwn(page.formats[kind].options, chosen)) state = withFormat(state, kind, chosen);
  }
  const layout = page.layouts.listed.findIndex((one) => one.text === given.get(`${before}layout`));
  if (layout >= 0) state.layout = layout;
  for (const one of page.controls) {
    const value = given.get(before + one.name);
    const found = value === null ? null : sane(Number(value), one);
    if (found !== null) state.numbers[one.name] = found;
  }
  return state;
}

/* The command line that answers the same question. */
function command(state) {
  const words = [...page.words];
  const copies = page.layouts.copies ? `,copies=${page.layouts.copies}` : "";
  words.push("--layout", page.layouts.listed[state.layout].text + copies);
  for (const kind of KINDS) if (state.formats[kind] !== "own") words.push(`--${kind}`, state.formats[kind]);
  const usual = usualNumbers(state);
  for (const one of page.controls) {
    const value = state.numbers[one.name];
    if (!Number.isFinite(value)) continue;
    if (one.group === "work") words.push(`--${one.argument}`, String(value));
    else if (value !== usual[one.name] || one.given) words.push("--set", `${one.name}=${value}`);
  }
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\"'\"'")}'`)).join(" ");
}
