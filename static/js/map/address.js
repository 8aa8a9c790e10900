// What the map shows, as the address says it: view, filters and selection. Defaults are left out.
"use strict";

export const DEFAULTS = Object.freeze({
  utility: "",
  capacity_type: "generation",
  variant: "default",
  figure: "remaining",
  at_least: null, // MW of the figure that colours the map
  constraint: "",
  feeder: "", // "<utility>/<slug>"
  record: "", // the id of a cell, which has no feeder
  view: null, // { lat, lng, zoom }
});

const WORDS = ["utility", "capacity_type", "variant", "constraint", "feeder", "record"];

// The state that `search` ("?a=b") stands for; what cannot be is as if it were not there.
export function read(search, { types, constraints, utilities }) {
  const given = new URLSearchParams(search);
  const state = { ...DEFAULTS };
  for (const name of WORDS) if (given.get(name)) state[name] = given.get(name);
  if (!types.includes(state.capacity_type)) state.capacity_type = DEFAULTS.capacity_type;
  if (!utilities.some((one) => one.code === state.utility)) state.utility = DEFAULTS.utility;
  if (!/^[-\w]{1,40}$/.test(state.variant)) state.variant = DEFAULTS.variant;
  if (!constraints.includes(state.constraint)) state.constraint = DEFAULTS.constraint;
  if (given.get("figure") === "hosting") state.figure = "hosting";
  state.at_least = megawatts(given.get(`min_${state.figure}_mw`));
  const [lat, lng, zoom] = [number(given.get("lat"), -85, 85), number(given.get("lon"), -180, 180), number(given.get("z"), 3, 18)];
  if (lat !== null && lng !== null && zoom !== null) state.view = { lat, lng, zoom };
  return state;
}

// The filters of `state` as the API, the tiles and the table name them.
export function filters(state) {
  const found = new URLSearchParams();
  for (const name of ["utility", "capacity_type", "variant"]) if (state[name] !== DEFAULTS[name]) found.set(name, state[name]);
  if (state.at_least !== null) found.set(`min_${state.figure}_mw`, state.at_least);
  if (state.constraint) found.set("constraint", state.constraint);
  return found;
}

// The address of `state`: what `read` reads again.
export function write(state) {
  const found = filters(state);
  if (state.figure !== DEFAULTS.figure) found.set("figure", state.figure);
  if (state.feeder) found.set("feeder", state.feeder);
  else if (state.record) found.set("record", state.record);
  if (state.view) {
    found.set("lat", state.view.lat.toFixed(5));
    found.set("lon", state.view.lng.toFixed(5));
    found.set("z", String(state.view.zoom));
  }
  // A slash may stand in a query as it is (RFC 3986, 3.4), and reads better.
  const text = found.toString().replaceAll("%2F", "/");
  return text && `?${text}`;
}

// A lower bound as the server takes it, five decimals; null where `text` is none.
export function megawatts(text) {
  const value = number(text, 0, 1e6);
  return value === null ? null : Math.round(value * 1e5) / 1e5;
}

function number(text, least, most = Infinity) {
  const value = text === null || text.trim() === "" ? NaN : Number(text);
  return Number.isFinite(value) && value >= least && value <= most ? value : null;
}
