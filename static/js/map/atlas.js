// The basemap that needs no internet: states and counties of us-atlas, and where to write their names.
"use strict";

const kept = {};

// For MapLibre's addProtocol: "atlas://states", "atlas://counties", and "atlas://states-names" for their names.
export function atlas(files, json) {
  return async ({ url }) => {
    const [what, names] = url.replace("atlas://", "").split("-");
    kept[what] ??= json(files[what]);
    const topology = await kept[what];
    const shapes = topojson.feature(topology, topology.objects[what]);
    return { data: names ? { ...shapes, features: shapes.features.map(named) } : shapes };
  };
}

// A name is written once, on the largest part: Massachusetts on the land, not on each of its islands.
function named({ properties, geometry }) {
  const parts = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  const rings = parts.map(([outer]) => middle(outer));
  const largest = rings.reduce((one, other) => (other.area > one.area ? other : one));
  return { type: "Feature", properties, geometry: { type: "Point", coordinates: largest.at } };
}

// Area and centre of mass of a ring, in degrees (the shoelace formula): good enough to place a word.
function middle(ring) {
  let [area, x, y] = [0, 0, 0];
  for (let i = 1; i < ring.length; i += 1) {
    const [[x0, y0], [x1, y1]] = [ring[i - 1], ring[i]];
    const cross = x0 * y1 - x1 * y0;
    area += cross;
    x += (x0 + x1) * cross;
    y += (y0 + y1) * cross;
  }
  return area === 0 ? { area: 0, at: ring[0] } : { area: Math.abs(area / 2), at: [x / (3 * area), y / (3 * area)] };
}
