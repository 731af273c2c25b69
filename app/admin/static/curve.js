// Follows a training: draws its curves and writes down what it says and writes, as it happens.
"use strict";

(() => {
  const job = document.querySelector("[data-job]");
  if (!job) return;

  const find = (id) => document.getElementById(id);
  const WORDS = JSON.parse(find("stage")?.dataset.words ?? "{}");
  const FINISHED = ["succeeded", "failed", "cancelled"];
  const LOOK_EVERY_MS = 700;
  const TEXTS_SHOWN = 60;
  const ANSWER_WITHIN_MS = 10000;
  const NAMES = { entities: "names", additions: "no words added", nll: "surprise" };
  const named = (name) => NAMES[name] ?? name;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const charts = new Map();

  function options(figure, names, width) {
    const axis = {
      stroke: colour("--faint"),
      font: "12px system-ui, sans-serif",
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { show: false },
    };
    const series = names.map((name, index) => ({
      label: named(name),
      stroke: colour(`--curve-${index}`),
      width: index === 0 ? 2.5 : 1.25,
      points: { show: index === 0, size: 5 },
    }));
    const bounds = figure.dataset.chart === "reinforce" ? { range: (_, low, high) => [Math.min(0, low), Math.max(1, high)] } : {};
    return {
      width,
      height: Math.round(Math.min(300, Math.max(190, width * 0.42))),
      legend: { show: false },
      cursor: { y: false, points: { size: 6 } },
      scales: { x: { time: false }, y: bounds },
      axes: [
        { ...axis, size: 30, grid: { show: false }, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
        { ...axis, size: 44 },
      ],
      series: [{}, ...series],
      hooks: { setCursor: [(plot) => tell(figure, names, plot.data, plot.cursor.idx)] },
    };
  }

  // The legend is also the reading: the values under the pointer, else the newest.
  function tell(figure, names, data, index) {
    const at = index ?? data[0].length - 1;
    const keys = names.map((name, number) => {
      const key = document.createElement("span");
      const value = data[number + 1][at];
      key.className = `key key-${number}`;
      key.textContent = `${named(name)} ${value == null ? "–" : value.toFixed(2).replace("-", "−")}`;
      return key;
    });
    const step = document.createElement("span");
    step.textContent = `step ${data[0][at]}`;
    figure.querySelector(".legend").replaceChildren(step, ...keys);
  }

  function draw(figure, curves) {
    const names = Object.keys(curves).filter((name) => name !== "step");
    if (!names.length) return;
    figure.hidden = false;
    find("no-curve").hidden = true;
    const data = [curves.step, ...names.map((name) => curves[name])];
    const known = charts.get(figure);
    if (known && known.names.join() === names.join()) {
      known.plot.setData(data);
    } else {
      known?.plot.destroy();
      const place = figure.querySelector(".plot");
      charts.set(figure, { names, plot: new uPlot(options(figure, names, place.clientWidth), data, place) });
    }
    tell(figure, names, data, null);
    figure.dataset.points = curves.step.length;
  }

  let stages = {};
  async function look() {
    const answer = await fetch(`${job.dataset.job}/metrics`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    if (!answer.ok) return;
    stages = await answer.json();
    drawAll();
  }

  function drawAll() {
    for (const figure of job.querySelectorAll("[data-chart]")) {
      if (stages[figure.dataset.chart]) draw(figure, stages[figure.dataset.chart]);
    }
  }

  // One look at a time, so that no older answer is drawn over a newer one.
  let isLooking = false;
  let isWanted = false;
  async function lookSoon() {
    isWanted = true;
    if (isLooking) return;
    isLooking = true;
    while (isWanted) {
      isWanted = false;
      // A look that fails, as when the server restarts, is made up for by the next.
      await look().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    isLooking = false;
  }

  function time(iso) {
    const element = document.createElement("time");
    element.dateTime = iso;
    element.title = new Date(iso).toLocaleString();
    element.textContent = ago(iso);
    return element;
  }

  // The words of the server's own pages, so that a page left open stays true.
  function ago(iso) {
    const passed = (Date.now() - new Date(iso)) / 1000;
    if (passed < 10) return "just now";
    const [number, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]]
      .map(([length, name]) => [Math.floor(passed / length), name])
      .find(([count]) => count > 0);
    return `${number} ${unit}${number === 1 ? "" : "s"} ago`;
  }

  setInterval(() => {
    for (const element of document.querySelectorAll("time")) {
      if (Date.now() - new Date(element.dateTime) < 7 * 86400000) element.textContent = ago(element.dateTime);
    }
  }, 10000);

  function line(tag, content, iso, step) {
    const item = document.createElement("li");
    const body = document.createElement(tag);
    body.append(content);
    const place = document.createElement(tag === "blockquote" ? "p" : "span");
    place.className = "faint";
    place.append(step ? `step ${step}, ` : "", time(iso));
    item.append(body, " ", place);
    item.classList.add("new");
    return item;
  }

  function state(name) {
    const element = document.createElement("span");
    element.className = `state ${name}`;
    element.textContent = name;
    return element;
  }

  const heard = {
    sample: ({ texts, step, at }) => {
      find("no-text").hidden = true;
      find("texts").prepend(...texts.map((text) => line("blockquote", text, at, step)));
      while (find("texts").children.length > TEXTS_SHOWN) find("texts").lastElementChild.remove();
    },
    note: ({ text, at }) => find("log").prepend(line("span", text, at)),
    stage: ({ stage, at }) => find("log").prepend(line("span", WORDS[stage] ?? stage, at)),
    state: (data) => find("log").prepend(line("span", state(data.state), data.at)),
    progress: ({ state: name, stage, progress }) => {
      find("state").className = `state ${name}`;
      find("state").textContent = name;
      find("progress").value = progress;
      find("percent").textContent = `${Math.round(progress * 100)}%`;
      find("stage").textContent = WORDS[stage] ?? stage;
      for (const item of job.querySelectorAll("[data-stage]")) {
        if (item.dataset.stage === stage) item.setAttribute("aria-current", "step");
        else item.removeAttribute("aria-current");
      }
      if (FINISHED.includes(name)) {
        // The page of a finished training is another one: its verdict, its buttons.
        location.replace(location.pathname.split("/").slice(0, 4).join("/"));
      }
      lookSoon();
    },
  };

  function follow() {
    const source = new EventSource(`${job.dataset.job}/events?after=${job.dataset.last}`);
    for (const [kind, hear] of Object.entries(heard)) {
      source.addEventListener(kind, (event) => hear(JSON.parse(event.data)));
    }
    addEventListener("pagehide", () => source.close());
  }

  new ResizeObserver(() => {
    for (const [figure, { plot }] of charts) {
      const width = figure.querySelector(".plot").clientWidth;
      if (width && width !== plot.width) plot.setSize({ width, height: plot.height });
    }
  }).observe(job);

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const { plot } of charts.values()) plot.destroy();
    charts.clear();
    drawAll();
  });

  if (find("texts").children.length) find("no-text").hidden = true;
  lookSoon();
  if (!FINISHED.includes(job.dataset.state)) follow();
})();
