// Draws the charts, sets their parameters by the lists of the page, and shows values on hover.
"use strict";
(() => {
  const { charts, datasets } = JSON.parse(document.getElementById("charts").textContent);
  const style = {
    autosize: { type: "fit-x", contains: "padding" },
    background: null,
    font: "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif",
    padding: { left: 0, right: 4, top: 4, bottom: 4 },
    view: { stroke: null },
    axis: {
      labelColor: "var(--soft)", titleColor: "var(--soft)", gridColor: "var(--line)",
      domain: false, ticks: false, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal",
      labelPadding: 6, labelLimit: 150, labelOverlap: "greedy", labelSeparation: 8, gridDash: [],
    },
    axisY: { grid: false },
    axisX: { tickCount: 5, grid: true },
    text: { fontSize: 12, color: "var(--ink)" },
    legend: { labelColor: "var(--ink)", titleColor: "var(--soft)", labelFontSize: 12 },
  };

  const tooltip = document.getElementById("tooltip");
  const place = (event) => {
    const box = tooltip.getBoundingClientRect();
    const left = Math.min(event.clientX + 14, document.documentElement.clientWidth - box.width - 8);
    const below = event.clientY + 16;
    const top = below + box.height > innerHeight ? event.clientY - box.height - 12 : below;
    tooltip.style.translate = `${Math.max(left, 8)}px ${top}px`;
  };
  const show = (_handler, event, _item, value) => {
    tooltip.hidden = value === null || value === undefined || value === "";
    if (tooltip.hidden) return;
    const list = document.createElement("dl");
    for (const [name, text] of Object.entries(value)) {
      const term = document.createElement("dt");
      const description = document.createElement("dd");
      term.textContent = name;
      description.textContent = text;
      list.append(term, description);
    }
    tooltip.replaceChildren(list);
    place(event);
  };

  const views = Object.entries(charts).map(([id, chart]) => {
    const name = document.getElementById(id).getAttribute("aria-label");
    const compiled = vegaLite.compile({ ...chart, datasets }, { config: style, logger: vega.logger(vega.Error) }).spec;
    const view = new vega.View(vega.parse(compiled), {
      renderer: "svg", container: `#${id}`, hover: true, tooltip: show,
    });
    // Vega takes the role and the name of the element around the drawing; it is an image again.
    const element = view.container();
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", name);
    element.removeAttribute("aria-roledescription");
    view.logLevel(vega.Error).runAsync().then(() => {
      element.querySelector("svg").setAttribute("aria-hidden", "true");
    });
    return view;
  });

  for (const list of document.querySelectorAll(".choices select")) {
    const apply = () => {
      for (const view of views) {
        if (list.name in view.getState().signals) view.signal(list.name, list.value).runAsync();
      }
    };
    list.addEventListener("change", apply);
    apply(); // Browsers keep the choice when a page is loaded again.
  }

  // The list of reports names itself in the address; only a path of folders above is followed.
  const list = /^#list=((?:\.\.\/)*index\.html)$/.exec(location.hash);
  if (list) {
    const above = document.getElementById("reports");
    above.querySelector("a").href = list[1];
    above.hidden = false;
  }

  const date = new Date(document.lastModified);
  document.getElementById("date").textContent =
    date.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });
})();
