// The map's looks as one MapLibre style, a function of what is shown: state, colours, tile addresses.
// Zooms here are MapLibre's; Leaflet's are one higher.
"use strict";

export const OVERVIEW_ENDS = 8;
export const SECTIONS_BEGIN = 12;
const WIDTHS = [1.25, 2, 2.75, 3.75]; // px at zoom 10, from the lowest class to the highest: the second signal
const LINES = ["in", ["geometry-type"], ["literal", ["LineString", "MultiLineString"]]];
const AREAS = ["in", ["geometry-type"], ["literal", ["Polygon", "MultiPolygon"]]];
const POINTS = ["in", ["geometry-type"], ["literal", ["Point", "MultiPoint"]]];

// Layers that a click or a pointer finds, the topmost first.
export const FEEDER_LAYERS = ["sections", "feeders"].flatMap((layer) =>
  ["known", "unknown", "not_studied", "withheld"].map((kind) => `${layer}-${kind}`).concat(layer === "feeders" ? ["points", "cells", "cells-grey"] : []),
);

export function build({ state, breaks, colour, tiles, raster, chosen }) {
  const key = state.figure === "hosting" ? "h" : "r";
  const look = { colour, key, breaks, passes: passes(state, key) };
  const sources = { ...atlas(), ...tileSources(tiles) };
  const layers = [...(raster ? [] : land(colour))];
  if (tiles.overview) layers.push(...overview(look, state, key));
  if (tiles.feeders) layers.push(...cells(look), ...highlight("feeders", colour, chosen));
  if (tiles.sections) layers.push(...highlight("sections", colour, chosen));
  if (tiles.feeders) layers.push(...lines("feeders", look, feederWidth, ["step", ["zoom"], 1, SECTIONS_BEGIN, ["case", ["has", "s"], 0, 1]]));
  if (tiles.sections) layers.push(...lines("sections", look, sectionWidth, 1));
  if (tiles.feeders) layers.push(points(look));
  if (tiles.substations) layers.push(...substations(colour));
  layers.push(...names(colour, raster));
  return { version: 8, sources, layers };
}

function atlas() {
  return {
    states: { type: "geojson", data: "atlas://states", tolerance: 0.2 },
    counties: { type: "geojson", data: "atlas://counties", tolerance: 0.2 },
    "state-names": { type: "geojson", data: "atlas://states-names" },
    "county-names": { type: "geojson", data: "atlas://counties-names" },
  };
}

function tileSources(tiles) {
  const sources = {};
  for (const [layer, said] of Object.entries(tiles)) {
    sources[layer] = { type: "vector", tiles: said.tiles, minzoom: said.minzoom, maxzoom: said.maxzoom, bounds: said.bounds };
  }
  return sources;
}

function land(colour) {
  return [
    { id: "water", type: "background", paint: { "background-color": colour["map-water"] } },
    { id: "land", type: "fill", source: "states", paint: { "fill-color": colour["map-land"], "fill-antialias": false } },
    { id: "county-lines", type: "line", source: "counties", minzoom: 5, paint: { "line-color": colour["map-line"], "line-width": 0.5, "line-opacity": ["interpolate", ["linear"], ["zoom"], 5, 0.3, 8, 0.9] } },
    { id: "state-lines", type: "line", source: "states", paint: { "line-color": colour["map-line"], "line-width": ["interpolate", ["linear"], ["zoom"], 3, 0.75, 10, 1.75] } },
  ];
}

// Which features the filters let through; a null is neither above nor below anything.
function passes(state, key) {
  const conditions = ["all"];
  if (state.at_least !== null) conditions.push(["all", ["has", key], [">=", ["get", key], state.at_least]]);
  if (state.constraint) conditions.push(["==", ["get", "k"], state.constraint]);
  return conditions;
}

function byClass(value, breaks, outputs) {
  const cases = ["case"];
  for (let i = breaks.length - 1; i >= 0; i -= 1) cases.push([">", value, breaks[i]], outputs[i + 1]);
  return [...cases, outputs[0]];
}

const ramp = (colour) => [colour["cap-1"], colour["cap-2"], colour["cap-3"], colour["cap-4"]];

function overview({ colour, breaks }, state, key) {
  const conditions = ["all"];
  if (state.at_least !== null) conditions.push(["all", ["has", `${key}x`], [">=", ["get", `${key}x`], state.at_least]]);
  const shared = { type: "fill", source: "overview", "source-layer": "overview", maxzoom: OVERVIEW_ENDS };
  return [
    { ...shared, id: "overview-unknown", filter: [...conditions, ["!", ["has", key]]], paint: { "fill-color": colour["cap-unknown"], "fill-opacity": 0.4 } },
    { ...shared, id: "overview", filter: [...conditions, ["has", key]], paint: { "fill-color": byClass(["get", key], breaks, ramp(colour)), "fill-opacity": 0.9 } },
    { ...shared, type: "line", id: "overview-zero", filter: [...conditions, ["has", key], ["<=", ["get", key], 0]], paint: { "line-color": colour.ink, "line-width": 1 } },
  ];
}

const status = ["coalesce", ["get", "st"], "published"];

// Without a figure: withheld, not studied, or simply unknown.
function without(key, kind) {
  const none = ["!", ["has", key]];
  if (kind === "unknown") return ["all", none, ["!=", status, "withheld"], ["!=", status, "not_studied"]];
  return ["all", none, ["==", status, kind]];
}

function zoomed(width) {
  return ["interpolate", ["exponential", 1.4], ["zoom"], 7, ["*", width, 0.55], 10, width, 14, ["*", width, 1.9]];
}
const feederWidth = (width) => zoomed(width);
const sectionWidth = (width) => zoomed(["*", width, 0.8]);

function lines(layer, { colour, key, breaks, passes: pass }, wide, opacity) {
  const shared = { type: "line", source: layer, "source-layer": layer };
  const layout = { "line-cap": "round", "line-join": "round" };
  const grey = { "line-color": colour["cap-unknown"], "line-opacity": opacity };
  const of = (kind) => ["all", pass, LINES, without(key, kind)];
  const width = byClass(["get", key], breaks, WIDTHS);
  return [
    { ...shared, id: `${layer}-unknown`, layout, filter: of("unknown"), paint: { ...grey, "line-width": wide(1) } },
    { ...shared, id: `${layer}-not_studied`, layout, filter: of("not_studied"), paint: { ...grey, "line-width": wide(2), "line-dasharray": [0.01, 2.2] } },
    { ...shared, id: `${layer}-withheld`, filter: of("withheld"), paint: { ...grey, "line-width": wide(1.75), "line-dasharray": [4, 2.5] } },
    // Nothing left is a value, of the lowest class; an outline tells it from a little.
    { ...shared, id: `${layer}-zero`, layout, filter: ["all", pass, LINES, ["has", key], ["<=", ["get", key], 0]], paint: { "line-color": colour.ink, "line-opacity": opacity, "line-width": wide(WIDTHS[0] + 1.5) } },
    // The highest class is drawn last, on top.
    { ...shared, id: `${layer}-known`, layout: { ...layout, "line-sort-key": ["get", key] }, filter: ["all", pass, LINES, ["has", key]], paint: { "line-color": byClass(["get", key], breaks, ramp(colour)), "line-opacity": opacity, "line-width": wide(width) } },
  ];
}

function cells({ colour, key, breaks, passes: pass }) {
  const shared = { source: "feeders", "source-layer": "feeders" };
  return [
    { ...shared, id: "cells-grey", type: "fill", filter: ["all", pass, AREAS, ["!", ["has", key]]], paint: { "fill-pattern": ["match", status, "withheld", "hatch", "not_studied", "dots", "blank"] } },
    { ...shared, id: "cells", type: "fill", filter: ["all", pass, AREAS, ["has", key]], paint: { "fill-color": byClass(["get", key], breaks, ramp(colour)), "fill-opacity": 0.8 } },
    { ...shared, id: "cell-lines", type: "line", filter: ["all", pass, AREAS], paint: { "line-color": ["case", ["all", ["has", key], ["<=", ["get", key], 0]], colour.ink, ["has", key], colour["map-land"], colour["cap-unknown"]], "line-width": ["case", ["all", ["has", key], ["<=", ["get", key], 0]], 1.5, 0.5] } },
  ];
}

function points({ colour, key, breaks, passes: pass }) {
  return {
    id: "points",
    type: "circle",
    source: "feeders",
    "source-layer": "feeders",
    filter: ["all", pass, POINTS],
    paint: {
      // Without a figure: unknown a thin ring, withheld a thick one, not studied a dot.
      "circle-radius": ["case", ["has", key], byClass(["get", key], breaks, [3, 4, 5, 6.5]), ["match", status, "not_studied", 2, 3]],
      "circle-color": ["case", ["has", key], byClass(["get", key], breaks, ramp(colour)), ["match", status, "not_studied", colour["cap-unknown"], colour["map-land"]]],
      "circle-stroke-color": ["case", ["!", ["has", key]], colour["cap-unknown"], ["<=", ["get", key], 0], colour.ink, colour["map-land"]],
      "circle-stroke-width": ["case", ["has", key], 1, ["match", status, "withheld", 2.25, 1]],
    },
  };
}

// The chosen feeder or cell: an outline around all of it, land inside, so that its colours stay what they are. All
// of a line below all of the next: what is seen through would grow dark where sections meet.
function highlight(layer, colour, chosen) {
  const which = chosen && (chosen.feeder ? ["==", ["get", "f"], chosen.feeder] : chosen.record ? ["==", ["id"], chosen.record] : null);
  if (!which) return [];
  const shared = { type: "line", source: layer, "source-layer": layer, filter: which, layout: { "line-cap": "round", "line-join": "round" } };
  const wide = (far, near) => ["interpolate", ["linear"], ["zoom"], 7, far, 14, near];
  return [
    { ...shared, id: `${layer}-chosen`, paint: { "line-color": colour.accent, "line-width": wide(8, 18) } },
    { ...shared, id: `${layer}-chosen-inside`, paint: { "line-color": colour["map-land"], "line-width": wide(5, 14) } },
  ];
}

function substations(colour) {
  const shared = { source: "substations", "source-layer": "substations" };
  return [
    { ...shared, id: "substations", type: "circle", paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 4, 1, 8, 2, 12, 4.5], "circle-color": colour.paper, "circle-stroke-color": colour.ink, "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 4, 0.5, 10, 1.25] } },
    { ...shared, id: "substation-names", type: "symbol", minzoom: 10, layout: { "text-field": ["get", "name"], "text-size": 11, "text-font": ["Inter Variable"], "text-offset": [0.8, 0], "text-anchor": "left" }, paint: { "text-color": colour.ink, "text-halo-color": colour["map-land"], "text-halo-width": 1.5 } },
  ];
}

function names(colour, raster) {
  if (raster) return [];
  const paint = { "text-color": colour["map-label"], "text-halo-color": colour["map-land"], "text-halo-width": 1.25 };
  const layout = { "text-field": ["get", "name"], "text-font": ["Inter Variable"] };
  return [
    { id: "county-names", type: "symbol", source: "county-names", minzoom: 7.5, layout: { ...layout, "text-size": 11 }, paint },
    { id: "state-names", type: "symbol", source: "state-names", minzoom: 3.4, maxzoom: 7.5, layout: { ...layout, "text-size": ["interpolate", ["linear"], ["zoom"], 3, 10, 7, 14] }, paint },
  ];
}

// Patterns for cells without a figure: 16 px squares that repeat, as MapLibre wants them (RGBA).
export function pattern(name, colour) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 16;
  const pen = canvas.getContext("2d");
  pen.strokeStyle = pen.fillStyle = colour["cap-unknown"];
  if (name === "hatch") {
    pen.lineWidth = 1.5;
    pen.beginPath();
    for (const x of [-16, -8, 0, 8, 16]) {
      pen.moveTo(x, 16);
      pen.lineTo(x + 16, 0);
    }
    pen.stroke();
  } else if (name === "dots") {
    for (const [x, y] of [[4, 4], [12, 12]]) {
      pen.beginPath();
      pen.arc(x, y, 1.5, 0, 2 * Math.PI);
      pen.fill();
    }
  }
  return pen.getImageData(0, 0, 16, 16);
}
