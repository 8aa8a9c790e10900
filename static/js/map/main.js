// The map page: keeps address, form, map and card saying the same.
"use strict";

import { read, write } from "./address.js";
import { draw } from "./canvas.js";
import { Card } from "./card.js";
import { Panel } from "./panel.js";

const REACH = matchMedia("(pointer: coarse)").matches ? 14 : 6; // px around a click that still mean the feeder
const TILES_OF = ["utility", "capacity_type", "variant"]; // what decides which tiles are drawn

async function begin(app) {
  const config = JSON.parse(document.getElementById("map-config").textContent);
  const part = (name) => app.querySelector(`[data-${name}]`);
  const say = (text) => {
    part("said").textContent = text;
    part("said").hidden = !text;
  };
  const search = config.embedded ? "" : location.search;
  const wanted = new URLSearchParams(search).get("utility");
  let state = read(search, config);
  const panel = part("panel") && new Panel(part("panel"), config, (changes) => change(changes));
  if (panel) {
    state = { ...state, ...panel.possible(state) };
    panel.show(state);
  }

  let drawing;
  try {
    drawing = await draw(part("canvas"), config, state);
  } catch (error) {
    say(config.words.no_webgl);
    throw error;
  }
  const { map } = drawing;

  const card = new Card(part("card"), config, () => {
    state = { ...state, feeder: "", record: "" };
    drawing.choose(null);
    remember();
    map.getContainer().focus({ preventScroll: true });
  });

  function remember() {
    const { lat, lng } = map.getCenter();
    state = { ...state, view: { lat, lng, zoom: map.getZoom() } };
    if (config.embedded) document.querySelector("[data-open-map]").href = config.addresses.map + write(state);
    else history.replaceState(null, "", location.pathname + write(state));
  }

  // How much of the map the panel and the card hide, in px.
  function covered() {
    const onPhone = matchMedia("(max-width: 800px)").matches;
    const shown = part("card").hidden ? part("panel") : part("card");
    if (onPhone) return { foot: Math.min(shown?.offsetHeight ?? 0, map.getSize().y / 2) };
    return { left: part("panel")?.open ? part("panel").offsetWidth : 0 };
  }

  let waiting;
  function recount() {
    const hint = document.querySelector("[data-overview]");
    if (hint) hint.hidden = !drawing.isOverview;
    clearTimeout(waiting);
    waiting = setTimeout(() => panel?.count(state, map.getBounds()), 150);
  }

  // Whether the map has still to go where the chosen utility is: what is chosen meanwhile must not keep it.
  let going = false;
  async function show() {
    try {
      const bounds = await drawing.show(state);
      if (bounds === undefined) return;
      say(bounds ? "" : state.utility ? config.words.nothing_of_type : config.words.nothing_at_all);
      if (bounds && going) drawing.fit(bounds, covered());
      going = false;
    } catch {
      say(config.words.failed);
    }
    recount();
  }

  function change(changes) {
    const before = state;
    state = { ...state, ...changes };
    panel.show(state);
    if (before.utility !== state.utility) card.drop(); // a card still on its way would be another utility's
    if (before.utility !== state.utility) going = Boolean(state.utility);
    if (TILES_OF.some((name) => before[name] !== state[name])) show();
    else {
      drawing.state = state;
      drawing.redraw();
      recount();
    }
    const of = state.feeder || state.record;
    if (of && before.utility !== state.utility && state.utility && !state.feeder.startsWith(`${state.utility}/`)) card.close();
    else if (of) choose(state.feeder ? { feeder: state.feeder } : { record: state.record });
    remember();
  }

  async function choose(which, { focus = false, fit = false } = {}) {
    const said = await card.show(which, state, { focus });
    if (!said) return;
    state = { ...state, feeder: said.selection ?? "", record: said.selection ? "" : (said.record ?? "") };
    drawing.choose(said.feeder ? { feeder: Number(said.feeder) } : { record: Number(said.record) });
    if (fit && said.bounds) drawing.fit(said.bounds.split(",").map(Number), covered());
    remember();
  }

  function pick(latlng, options) {
    const found = drawing.at(latlng, REACH);
    if (found?.kind === "feeder") {
      const { properties, id } = found.feature;
      choose(properties.f ? { feeder_id: properties.f } : { record: id }, options);
    } else if (found) map.setView(latlng, Math.max(9, map.getZoom() + 2));
    else if (options?.focus) say(config.words.nothing_chosen);
  }

  map.on("moveend", () => {
    say("");
    remember();
    recount();
  });
  map.on("click", (event) => pick(event.latlng));
  map.getContainer().addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target === map.getContainer()) pick(map.getCenter(), { focus: true });
  });
  hover(drawing, config, () => state);
  drawing.gl.on("dataloading", () => (part("busy").hidden = false));
  drawing.gl.on("idle", () => {
    part("busy").hidden = true;
    app.dataset.ready = "true"; // for whoever waits for the picture: tests, screenshots
  });
  drawing.gl.on("error", () => say(config.words.failed));

  const named = state.feeder ? { feeder: state.feeder } : state.record ? { record: state.record } : null;
  const hadView = Boolean(state.view);
  going = !hadView && !named;
  await show();
  // Everything is shown instead, and nobody should take it for that utility.
  if (wanted && !state.utility) say(config.words.no_such_utility);
  if (named) choose(named, { fit: !hadView });
}

// Name and figure under the pointer, where there is a pointer that can rest.
function hover(drawing, config, state) {
  if (!matchMedia("(hover: hover)").matches) return;
  const { map } = drawing;
  const tip = L.tooltip({ direction: "top", offset: [0, -8], className: "map-tip" });
  let asked = 0;
  map.on("mousemove", (event) => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => {
      const found = drawing.at(event.latlng, 3);
      map.getContainer().classList.toggle("over", Boolean(found));
      if (!found) return tip.remove();
      const text = document.createElement("span");
      text.textContent = found.kind === "feeder" ? ofFeeder(found.feature.properties, state(), config) : ofSquare(found.feature.properties, state(), config);
      tip.setLatLng(event.latlng).setContent(text).addTo(map);
    });
  });
  map.on("mouseout movestart", () => {
    cancelAnimationFrame(asked);
    tip.remove();
  });
}

function ofFeeder(said, state, { words }) {
  const value = said[state.figure === "hosting" ? "h" : "r"];
  const instead = said.st === "withheld" || said.st === "not_studied" ? words[said.st] : words.not_known;
  const figure = value === undefined ? instead : `${said.st === "at_least" ? "≥\u202f" : ""}${inMegawatts(value)}`;
  return said.name ? `${said.name}: ${figure}` : figure;
}

function ofSquare(said, state, { words }) {
  const value = said[state.figure === "hosting" ? "h" : "r"];
  const figure = value === undefined ? words.not_known : `${words.median} ${inMegawatts(value)}`;
  return `${Number(said.n).toLocaleString()} ${words.records}: ${figure}`;
}

const inMegawatts = (value) => `${value.toLocaleString(undefined, { maximumFractionDigits: 2 })}\u202fMW`;

for (const app of document.querySelectorAll("[data-map]")) begin(app);
