// Draws each line's past: its flow, its limits as steps, gaps as gaps. A chart is drawn when it comes into view.
"use strict";
(() => {
  const section = document.querySelector("[data-series]");
  if (!section || !window.uPlot) return;
  const HEIGHT = 168, ZONE = "America/New_York";
  document.querySelector("[data-without-script]").hidden = true;
  const trouble = document.querySelector("[data-trouble]");
  const drawn = new Map();  // point id: uPlot
  const inView = new Set();
  let data = null, tag = null;

  // Tokens are light-dark(): only a real property of an element says which of the two it is.
  const probe = section.appendChild(document.createElement("span"));
  probe.hidden = true;
  function colour(name) {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  }
  const clock = new Intl.DateTimeFormat("en-US", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = new Intl.DateTimeFormat("en-US", { timeZone: ZONE, month: "short", day: "numeric" });
  const whole = new Intl.DateTimeFormat("en-US", { timeZone: ZONE, year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" });
  const megawatts = (value) => value.toLocaleString("en-US", { maximumFractionDigits: 1 });

  function options(plot, values) {
    const span = data.until - data.since;
    const limit = (label) => ({
      label, stroke: colour("--chart-limit"), width: 1, points: { show: false },
      paths: uPlot.paths.stepped({ align: 1 }),
    });
    return {
      width: plot.clientWidth, height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), ZONE),
      cursor: { y: false, points: { size: 6 } },
      scales: { x: { range: [data.since, data.until] }, y: { range: (_chart, low, high) => padded(low, high) } },
      axes: [
        { stroke: colour("--ink-2"), font: "12px Inter Variable, sans-serif", size: 28, space: 64,
          grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false },
          values: (_chart, marks) => marks.map((mark) => (span <= 2.2 * 86400 ? clock : day).format(mark * 1000)) },
        { stroke: colour("--ink-2"), font: "12px Inter Variable, sans-serif", size: 52,
          grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false },
          values: (_chart, marks) => marks.map((mark) => mark.toLocaleString("en-US")) },
      ],
      series: [
        {},
        { label: plot.dataset.word, stroke: colour("--chart-flow"), width: 1.75, points: { show: false }, spanGaps: false },
        limit(plot.dataset.in), limit(plot.dataset.out),
      ],
      legend: { show: false },
      hooks: { draw: [zeroLine], setCursor: [(chart) => say(plot, values, chart.cursor.idx)] },
    };
  }

  function padded(low, high) {
    const bottom = Math.min(low ?? 0, 0), top = Math.max(high ?? 0, 0);
    const room = (top - bottom || 10) * 0.08;
    return [bottom - (bottom < 0 ? room : 0), top + (top > 0 || bottom === 0 ? room : 0)];
  }

  // What is under the pointer, or the newest value: in words, below the chart.
  function say(plot, [x, flow, high, low], at) {
    if (at == null) at = flow.findLastIndex((value) => value !== null);
    const words = at < 0 ? [] : [`${whole.format(x[at] * 1000)}: ${flow[at] === null ? plot.dataset.none : `${megawatts(flow[at])} MW`}`];
    if (words.length && high[at] !== null) words.push(`${plot.dataset.in} ${megawatts(high[at])}`);
    if (words.length && low[at] !== null) words.push(`${plot.dataset.out} ${megawatts(low[at])}`);
    plot.nextElementSibling.textContent = words.join(" · ");
  }

  function zeroLine(chart) {
    const y = chart.valToPos(0, "y", true);
    chart.ctx.save();
    chart.ctx.strokeStyle = colour("--line-strong");
    chart.ctx.lineWidth = devicePixelRatio;
    chart.ctx.beginPath();
    chart.ctx.moveTo(chart.bbox.left, y);
    chart.ctx.lineTo(chart.bbox.left + chart.bbox.width, y);
    chart.ctx.stroke();
    chart.ctx.restore();
  }

  function draw(figure) {
    const id = figure.dataset.chart, plot = figure.querySelector("[data-plot]");
    const line = data?.lines[id];
    const isEmpty = data !== null && !line;
    figure.querySelector(".no-rows").hidden = !isEmpty;
    if (!data || isEmpty || !plot.clientWidth) return;
    const values = [data.x, line.flow, line.in, line.out];
    drawn.get(id)?.destroy();
    drawn.set(id, new uPlot(options(plot, values), values, plot));
    say(plot, values, null);
    figure.dataset.drawn = data.x.length;
  }

  function redraw() {
    for (const figure of inView) draw(figure);
  }

  async function load() {
    try {
      const answer = await fetch(section.dataset.series, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
      if (answer.status !== 304) {
        if (!answer.ok) throw new Error(String(answer.status));
        data = await answer.json();
        tag = answer.headers.get("ETag");
        redraw();
      }
      trouble.hidden = true;
    } catch {
      trouble.hidden = false;
      setTimeout(load, 30_000);
    }
  }

  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      inView.add(entry.target);
      watch.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "200px" });
  for (const figure of section.querySelectorAll("[data-chart]")) watch.observe(figure);

  let resizing = null;
  new ResizeObserver(() => { clearTimeout(resizing); resizing = setTimeout(redraw, 120); }).observe(section);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  document.addEventListener("flows-changed", load);
  load();
})();
