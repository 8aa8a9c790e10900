// Draws each element's data-geojson on a Leaflet map: no tiles, no request to any host. Colours come from CSS.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  for (const element of document.querySelectorAll(".geometry-map[data-geojson]")) {
    const map = L.map(element, { attributionControl: false, scrollWheelZoom: false, zoomSnap: 0.25 });
    const drawn = L.geoJSON(JSON.parse(element.dataset.geojson), {
      style: { className: "geometry" },
      pointToLayer: (_feature, place) => L.circleMarker(place, { className: "geometry", radius: 7 }),
    }).addTo(map);
    map.fitBounds(drawn.getBounds(), { padding: [24, 24], maxZoom: 15 });
    L.control.scale().addTo(map);
  }
});
