// The drawing itself: Leaflet for the view, MapLibre inside it for vector tiles.
"use strict";

import { atlas } from "./atlas.js";
import { build, FEEDER_LAYERS, OVERVIEW_ENDS, pattern } from "./style.js";
import { colours, whenThemeChanges } from "./theme.js";

const LAYERS = ["overview", "feeders", "sections", "substations"];
const EVERYTHING = [[24.5, -125], [49.5, -66.5]]; // the contiguous states

// Loads what draws, and puts a map into `element`. Throws where the browser has no WebGL.
export async function draw(element, config, state) {
  const gl = await import(config.files.maplibre);
  gl.setWorkerUrl(new URL(config.files.worker, location.href).href);
  gl.addProtocol("atlas", atlas(config.files, json));
  window.maplibregl = gl; // where the plugin looks for it
  await script(config.files.leaflet_layer);

  const map = L.map(element, { minZoom: 3, maxZoom: 18, worldCopyJump: true, zoomControl: false, attributionControl: false, scrollWheelZoom: !config.embedded });
  // On a phone a line of words is what there is room for, and whose data it is goes first.
  const prefix = element.clientWidth > 600 ? "Leaflet · MapLibre" : false;
  const attribution = L.control.attribution({ prefix }).addTo(map);
  L.control.scale({ position: "bottomright" }).addTo(map);
  L.control.zoom({ position: "bottomright" }).addTo(map);
  // A view has to stand before a layer is added; where the address names none, everything.
  if (state.view) map.setView(state.view, state.view.zoom);
  else map.fitBounds(EVERYTHING);

  const raster = config.basemap.tiles;
  if (raster) {
    L.tileLayer(raster, { attribution: config.basemap.attribution, maxZoom: 19, className: "map-raster", referrerPolicy: "strict-origin-when-cross-origin" }).addTo(map);
  } else attribution.addAttribution("US Census Bureau (us-atlas)");
  map.createPane("vectors").style.zIndex = 250;
  const drawing = new Drawing(map, config, attribution, Boolean(raster));
  drawing.begin(state);
  return drawing;
}

export class Drawing {
  constructor(map, config, attribution, raster) {
    Object.assign(this, { map, config, attribution, raster, tiles: {}, chosen: null, colour: colours(), said: "" });
  }

  begin(state) {
    this.state = state;
    this.layer = L.maplibreGL({ style: this.style(), pane: "vectors", attributionControl: false, fadeDuration: 0, padding: 0.1, localIdeographFontFamily: '"Inter Variable", sans-serif' }).addTo(this.map);
    this.gl = this.layer.getMaplibreMap();
    this.gl.on("styleimagemissing", ({ id }) => {
      if (!this.gl.hasImage(id)) this.gl.addImage(id, pattern(id, this.colour));
    });
    whenThemeChanges(() => {
      this.colour = colours();
      for (const id of ["hatch", "dots", "blank"]) if (this.gl.hasImage(id)) this.gl.updateImage(id, pattern(id, this.colour));
      this.redraw();
    });
  }

  style() {
    const { state, tiles, raster, chosen, colour } = this;
    return build({ state, breaks: this.config.breaks, colour, tiles, raster, chosen });
  }

  // Draw again what is there already: other colours, filters, another choice.
  redraw() {
    this.gl.setStyle(this.style(), { diff: true });
  }

  // Ask which tiles hold the utility, type and variant of `state`, and draw those. The bounds of what there is,
  // or null where there is nothing.
  async show(state) {
    this.state = state;
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const asked = new URLSearchParams({ capacity_type: state.capacity_type, variant: state.variant });
    if (state.utility) asked.set("utility", state.utility);
    const said = await Promise.all(LAYERS.map((layer) => json(`${this.config.addresses.tiles.replace("LAYER", layer)}?${asked}`)));
    if (this.turn !== turn) return undefined; // other tiles were asked for meanwhile
    this.tiles = Object.fromEntries(LAYERS.map((layer, i) => [layer, said[i]]));
    this.redraw();
    this.attribute(said.find((one) => one.attribution)?.attribution ?? "");
    return this.tiles.feeders.bounds ?? null;
  }

  attribute(words) {
    if (this.said) this.attribution.removeAttribution(this.said);
    const plain = document.createElement("i");
    // TileJSON has publishers' own words as HTML text; whatever markup were in it is left out.
    plain.textContent = new DOMParser().parseFromString(words, "text/html").body.textContent;
    this.said = plain.innerHTML;
    if (this.said) this.attribution.addAttribution(this.said);
  }

  // Show `bounds` beside what covers the map: the panel at its left, or the sheet at its foot.
  fit([west, south, east, north], covered) {
    const { left = 0, foot = 0 } = covered;
    this.map.fitBounds([[south, west], [north, east]], { paddingTopLeft: [left + 24, 24], paddingBottomRight: [24, foot + 24], maxZoom: 14, animate: false });
  }

  get isOverview() {
    return this.map.getZoom() - 1 < OVERVIEW_ENDS;
  }

  choose(chosen) {
    this.chosen = chosen;
    this.redraw();
  }

  // What lies within `reach` pixels of a place: a feeder, a section or a cell, or else a square of the overview.
  at(latlng, reach) {
    const { x, y } = this.gl.project([latlng.lng, latlng.lat]);
    const present = (ids) => ids.filter((id) => this.gl.getLayer(id));
    const near = [[x - reach, y - reach], [x + reach, y + reach]];
    const found = this.gl.queryRenderedFeatures(near, { layers: present(FEEDER_LAYERS) });
    if (found.length) return { kind: "feeder", feature: found.find((one) => one.layer.type === "line") ?? found[0] };
    const squares = this.gl.queryRenderedFeatures([x, y], { layers: present(["overview", "overview-unknown"]) });
    return squares.length ? { kind: "overview", feature: squares[0] } : null;
  }
}

export async function json(address, options = {}) {
  const answer = await fetch(address, { headers: { Accept: "application/json" }, ...options });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail ?? answer.statusText);
  return said;
}

function script(address) {
  return new Promise((done, failed) => {
    const element = Object.assign(document.createElement("script"), { src: address, onload: done, onerror: failed });
    document.head.append(element);
  });
}
