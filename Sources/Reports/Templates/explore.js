"use strict";
// Exploration of figures: exact values, highlighting, filters, zoom, and sliders that read the program's closed forms
// again. All drawings and tables are complete without it.
(() => {
  const all = (root, selector) => [...root.querySelectorAll(selector)];
  const svgNS = "http://www.w3.org/2000/svg";
  const make = (name, properties, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };
  const draw = (name, attributes, text) => {
    const element = document.createElementNS(svgNS, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  // Numbers with few digits and a decimal prefix, as the program writes them.
  const prefixes = ["p", "n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
  const unprefixed = new Set(["", "%", "FLOP/B", "1/s"]);
  const plain = (value, digits) => {
    if (!isFinite(value)) return "-";
    const text = String(+value.toPrecision(digits));
    return text.includes("e") ? value.toExponential(digits - 1).replace("e+", "e") : text;
  };
  const shown = (value, unit, digits = 3, isPrefixed = true) => {
    if (!isPrefixed || unprefixed.has(unit) || value === 0 || !isFinite(value))
      return plain(value, digits) + (unit && isPrefixed ? " " + unit : "");
    const size = Math.abs(+value.toPrecision(digits));
    const power = clamp(Math.floor(Math.log10(size) / 3 + 1e-9), -4, 6);
    return plain(value / 10 ** (3 * power), digits) + " " + prefixes[power + 4] + unit;
  };

  // What a reader points at.
  const tip = make("div", {className: "tip", hidden: true});
  tip.setAttribute("role", "status");
  document.body.append(tip);
  const showTip = (text, x, y) => {
    tip.textContent = text;
    tip.hidden = false;
    const width = Math.min(tip.offsetWidth, innerWidth - 8);
    tip.style.left = clamp(x + 14, 4, innerWidth - width - 4) + scrollX + "px";
    tip.style.top = (y > tip.offsetHeight + 22 ? y - tip.offsetHeight - 12 : y + 18) + scrollY + "px";
  };

  // One axis: what it spans, and where.
  const axisOf = (text) => {
    const [low, high, start, end, log] = text.split(" ").map(Number);
    const scaled = log ? Math.log10 : (value) => value;
    return {low: scaled(low), high: scaled(high), start, end, log: !!log, scaled};
  };
  const position = (axis, value) =>
    axis.start + (axis.scaled(value) - axis.low) / (axis.high - axis.low) * (axis.end - axis.start);
  const valueAt = (axis, place) => {
    const scaled = axis.low + (place - axis.start) / (axis.end - axis.start) * (axis.high - axis.low);
    return axis.log ? 10 ** scaled : scaled;
  };
  const ticksOf = (axis) => {
    const ticks = [];
    if (axis.log && axis.high - axis.low >= 0.7) {
      const digits = axis.high - axis.low > 2.2 ? [1] : [1, 2, 5];
      for (let power = Math.floor(axis.low); power <= axis.high; power++)
        for (const digit of digits) {
          const value = digit * 10 ** power;
          if (Math.log10(value) >= axis.low && Math.log10(value) <= axis.high) ticks.push(value);
        }
      return ticks;
    }
    const [low, high] = axis.log ? [10 ** axis.low, 10 ** axis.high] : [axis.low, axis.high];
    const raw = (high - low) / 6;
    const scale = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map((factor) => factor * scale).find((size) => size >= raw);
    for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step)
      ticks.push(Math.abs(tick) < step * 1e-9 ? 0 : tick);
    return ticks;
  };

  // A drawing: what can be pointed at, how it is laid out for the present view.
  class Drawing {
    constructor(svg, figure) {
      this.svg = svg;
      this.figure = figure;
      this.width = svg.viewBox.baseVal.width;
      this.height = svg.viewBox.baseVal.height;
      this.at = -1;
      svg.setAttribute("role", "group");
      this.ring = draw("circle", {class: "ring", r: 8, visibility: "hidden"});
      svg.append(this.ring);
      for (const key of all(svg, "g.key")) {
        key.setAttribute("tabindex", "0");
        key.setAttribute("role", "button");
        key.setAttribute("aria-pressed", "false");
        key.setAttribute("aria-label", "highlight " + key.textContent.trim());
        const press = () => figure.highlight(key.dataset.s);
        key.addEventListener("click", press);
        key.addEventListener("keydown", (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          event.stopPropagation();
          press();
        });
      }
      svg.addEventListener("pointermove", (event) => this.point(event));
      svg.addEventListener("pointerleave", () => this.leave());
    }
    get items() {
      if (!this.list) this.list = this.collect();
      return this.list;
    }
    // Titles become ours, so that two tips never stand over each other.
    take(element) {
      const title = element.querySelector("title");
      if (!title) return element.dataset.title ?? "";
      const text = title.textContent;
      title.remove();
      element.dataset.title = text;
      element.setAttribute("aria-label", text);
      return text;
    }
    collect() {
      return all(this.svg, "rect.part, rect.cell, rect.shade").filter((element) => element.querySelector("title"))
        .map((element) => ({element, text: this.take(element)}));
    }
    placeOf(item) {
      const box = item.element.getBBox();
      return [box.x + box.width / 2, box.y + box.height / 2];
    }
    local(event) {
      const box = this.svg.getBoundingClientRect();
      const scale = this.width / box.width;
      return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    }
    find(event) {
      const element = event.target.closest?.("rect.part, rect.cell, rect.shade")
        ?? event.target.closest?.("g.part")?.querySelector("rect.cell");
      return this.items.findIndex((item) => item.element === element);
    }
    point(event) {
      const index = this.find(event);
      if (index < 0) return this.leave();
      this.at = index;
      this.mark(this.items[index]);
      showTip(this.items[index].text, event.clientX, event.clientY);
    }
    mark(item) {
      this.marked?.classList.remove("pointed");
      this.marked = item.element;
      item.element?.classList.add("pointed");
    }
    leave() {
      tip.hidden = true;
      this.marked?.classList.remove("pointed");
      this.ring.setAttribute("visibility", "hidden");
    }
    step(by) {
      if (!this.items.length) return;
      const count = this.items.length;
      this.at = by === "first" ? 0 : by === "last" ? count - 1 : (this.at + by + count) % count;
      const item = this.items[this.at];
      this.mark(item);
      const [x, y] = this.placeOf(item);
      const box = this.svg.getBoundingClientRect();
      const scale = box.width / this.width;
      showTip(item.text, box.left + x * scale, box.top + y * scale);
    }
    filter(words) {
      let count = 0;
      for (const item of this.items) {
        const fits = !words || item.text.toLowerCase().includes(words);
        if (fits) count++;
        item.element?.classList.toggle("dim", !fits);
      }
      return count;
    }
    get canZoom() { return false; }
  }

  // Points and lines between two axes.
  class Plot extends Drawing {
    constructor(svg, figure) {
      super(svg, figure);
      this.x = axisOf(svg.dataset.x);
      this.y = axisOf(svg.dataset.y);
      this.units = [svg.dataset.ux, svg.dataset.uy];
      this.prefixed = [svg.dataset.p[0] === "1", svg.dataset.p[1] === "1"];
      this.view = {x: {...this.x}, y: {...this.y}};
      svg.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && !event.shiftKey) return;
        event.preventDefault();
        this.zoom(event.deltaY < 0 ? 0.8 : 1.25, this.local(event));
      }, {passive: false});
      svg.addEventListener("pointerdown", (event) => { this.drag = this.local(event); });
      addEventListener("pointerup", (event) => this.release(event));
    }
    get canZoom() { return true; }
    collect() {
      const data = this.figure.data?.dots;
      const items = [];
      this.shapes = {lines: [], marks: [], dots: [], whiskers: [], words: []};
      const points = (text) => text.trim().split(/[ ,]+/).map(Number);
      for (const element of all(this.svg, "g.data polyline, g.data polygon"))
        this.shapes.lines.push({element, base: points(element.getAttribute("points"))});
      for (const element of all(this.svg, "g.data path.whisker"))
        this.shapes.whiskers.push({element, base: element.getAttribute("d").slice(1).split(/[MV,]/).map(Number)});
      for (const element of all(this.svg, "g.labels text"))
        this.shapes.words.push({element, base: [+element.getAttribute("x"), +element.getAttribute("y")]});
      for (const group of all(this.svg, "g.series")) {
        const series = +group.dataset.s;
        const line = group.querySelector("polyline.line");
        const marks = all(group, ".mark");
        for (const element of marks) {
          const base = points(element.getAttribute("transform").slice(10, -1));
          const item = {element, series, base, text: this.take(element)};
          items.push(item);
          this.shapes.marks.push(item);
        }
        const dots = group.querySelector("path.dots");
        if (dots) {
          const base = dots.getAttribute("d").slice(1).split("h0").slice(0, -1).join(" ").replaceAll("M", "")
            .split(/[ ,]+/).map(Number);
          const [name, shortened, values] = data[series];
          // A number stands for the words of the name before it with this number at the end.
          let words = "";
          const names = shortened.map((one) => {
            if (typeof one === "number") return words + one;
            words = one.slice(0, one.lastIndexOf(" ") + 1);
            return one;
          });
          this.shapes.dots.push({element: dots, base, series});
          for (let i = 0; i < names.length; i++)
            items.push({
              series, base: [base[2 * i], base[2 * i + 1]],
              get text() {
                const words = [name, names[i]].filter((word) => word).join(", ");
                return (words ? words + ": " : "") + values[2 * i] + ", " + values[2 * i + 1];
              },
            });
        }
        if (line && !marks.length && !dots) {
          const shape = this.shapes.lines.find((one) => one.element === line);
          const name = this.svg.querySelector(`g.key[data-s="${series}"]`)?.textContent.trim() ?? "";
          for (let i = 0; i < shape.base.length; i += 2) {
            const plot = this;
            items.push({
              series, shape, index: i, get base() { return [shape.base[i], shape.base[i + 1]]; },
              get text() { return name + ": " + plot.words(valueAt(plot.x, shape.base[i]), valueAt(plot.y, shape.base[i + 1])); },
            });
          }
        }
      }
      return items;
    }
    words(x, y) {
      const text = (value, axis) => shown(value, this.units[axis], 3, this.prefixed[axis])
        + (this.prefixed[axis] || !this.units[axis] ? "" : " " + this.units[axis]);
      return text(x, 0) + ", " + text(y, 1);
    }
    mapped(axis, view) {
      const factor = (axis.high - axis.low) / (view.high - view.low);
      const shift = (axis.low - view.low) / (view.high - view.low) * (axis.end - axis.start);
      return (place) => axis.start + (place - axis.start) * factor + shift;
    }
    get maps() { return [this.mapped(this.x, this.view.x), this.mapped(this.y, this.view.y)]; }
    placeOf(item) {
      const [fx, fy] = this.maps;
      return [fx(item.base[0]), fy(item.base[1])];
    }
    find(event) {
      const [x, y] = this.local(event);
      const [fx, fy] = this.maps;
      let [best, distance] = [-1, 20 * 20];
      this.items.forEach((item, index) => {
        const [dx, dy] = [fx(item.base[0]) - x, fy(item.base[1]) - y];
        if (dx * dx + dy * dy < distance) [best, distance] = [index, dx * dx + dy * dy];
      });
      return best;
    }
    mark(item) {
      const [x, y] = this.placeOf(item);
      this.ring.setAttribute("cx", x);
      this.ring.setAttribute("cy", y);
      this.ring.setAttribute("visibility", "visible");
    }
    filter(words) {
      if (this.items.length && !this.shapes.dots.length) return super.filter(words);
      let count = super.filter(words) - this.items.filter((item) => !item.element && (!words || item.text.toLowerCase().includes(words))).length;
      for (const dots of this.shapes.dots) {
        dots.lit?.remove();
        dots.fits = null;
        dots.element.classList.toggle("dim", !!words);
        if (!words) continue;
        dots.fits = [];
        for (const item of this.items)
          if (item.series === dots.series && item.text.toLowerCase().includes(words)) dots.fits.push(...item.base);
        count += dots.fits.length / 2;
        dots.lit = dots.element.cloneNode();
        dots.lit.classList.remove("dim");
        dots.element.after(dots.lit);
      }
      this.layout();
      return words ? count : this.items.length;
    }
    zoom(factor, [x, y] = [(this.x.start + this.x.end) / 2, (this.y.start + this.y.end) / 2]) {
      for (const [name, place] of [["x", x], ["y", y]]) {
        const [base, view] = [this[name], this.view[name]];
        const part = (place - base.start) / (base.end - base.start);
        const size = Math.min((view.high - view.low) * factor, this.outer(name)[1] - this.outer(name)[0]);
        const middle = view.low + part * (view.high - view.low);
        this.look(name, middle - part * size, size);
      }
      this.layout();
    }
    // How far a view may go: what was drawn, and what sliders have moved out of it.
    outer(name) { return this.extent?.[name] ?? [this[name].low, this[name].high]; }
    look(name, low, size) {
      const [first, last] = this.outer(name);
      this.view[name].low = clamp(low, first, last - size);
      this.view[name].high = this.view[name].low + size;
    }
    reset() {
      for (const name of ["x", "y"]) [this.view[name].low, this.view[name].high] = this.outer(name);
      this.layout();
    }
    release(event) {
      if (!this.drag) return;
      const [from, to] = [this.drag, this.local(event)];
      this.drag = null;
      if (Math.abs(to[0] - from[0]) < 12 || Math.abs(to[1] - from[1]) < 12) return;
      for (const [name, place] of [["x", 0], ["y", 1]]) {
        const [base, view] = [this[name], this.view[name]];
        const part = (value) => clamp((value - base.start) / (base.end - base.start), 0, 1);
        const [a, b] = [part(from[place]), part(to[place])].sort((one, two) => one - two);
        const size = view.high - view.low;
        this.look(name, view.low + a * size, (b - a) * size);
      }
      this.layout();
    }
    layout() {
      this.items;
      const [fx, fy] = this.maps;
      const put = (base) => {
        let text = "";
        for (let i = 0; i < base.length; i += 2) text += fx(base[i]).toFixed(1) + "," + fy(base[i + 1]).toFixed(1) + " ";
        return text;
      };
      for (const {element, base} of this.shapes.lines) element.setAttribute("points", put(base));
      for (const {element, base} of this.shapes.marks)
        element.setAttribute("transform", `translate(${fx(base[0]).toFixed(1)},${fy(base[1]).toFixed(1)})`);
      for (const {element, base} of this.shapes.whiskers) {
        let text = "";
        for (let i = 0; i < base.length; i += 3)
          text += "M" + fx(base[i]).toFixed(1) + "," + fy(base[i + 1]).toFixed(1) + "V" + fy(base[i + 2]).toFixed(1);
        element.setAttribute("d", text);
      }
      const dotted = (base) => {
        let text = "";
        for (let i = 0; i < base.length; i += 2) text += "M" + fx(base[i]).toFixed(1) + "," + fy(base[i + 1]).toFixed(1) + "h0";
        return text;
      };
      for (const dots of this.shapes.dots) {
        dots.element.setAttribute("d", dotted(dots.base));
        if (dots.fits) dots.lit.setAttribute("d", dotted(dots.fits));
      }
      for (const {element, base} of this.shapes.words) {
        const [x, y] = [fx(base[0]), fy(base[1])];
        element.setAttribute("x", x);
        element.setAttribute("y", y);
        const inside = x >= this.x.start && x <= this.x.end && y <= this.y.start && y >= this.y.end;
        element.setAttribute("visibility", inside ? "visible" : "hidden");
      }
      const isMoved = ["x", "y"].some((name) =>
        this.view[name].low !== this[name].low || this.view[name].high !== this[name].high);
      for (const note of all(this.svg, "g.guides")) note.setAttribute("visibility", isMoved ? "hidden" : "visible");
      this.ring.setAttribute("visibility", "hidden");
      this.axes();
    }
    axes() {
      const group = this.svg.querySelector("g.ax");
      group.replaceChildren();
      const [x, y] = [this.view.x, this.view.y];
      let end = -Infinity;
      for (const tick of ticksOf(x)) {
        const place = position(x, tick);
        group.append(draw("line", {x1: place, x2: place, y1: y.start, y2: y.end, class: "grid"}));
        const text = shown(tick, this.units[0], 3, this.prefixed[0]);
        if (place - text.length * 4 < end + 4) continue;
        group.append(draw("text", {x: place, y: y.start + 17, "text-anchor": "middle", class: "tick"}, text));
        end = place + text.length * 4;
      }
      for (const tick of ticksOf(y)) {
        const place = position(y, tick);
        group.append(draw("line", {x1: x.start, x2: x.end, y1: place, y2: place, class: "grid"}));
        group.append(draw("text", {x: x.start - 7, y: place + 4, "text-anchor": "end", class: "tick"},
          shown(tick, this.units[1], 3, this.prefixed[1])));
      }
    }
    // New values of a series from sliders; intervals belong to the printed ones.
    move(series, xs, ys) {
      this.items;
      const places = ys.map((value) => position(this.y, value));
      const group = this.svg.querySelector(`g.series[data-s="${series}"]`);
      const line = group.querySelector("polyline.line");
      const shape = this.shapes.lines.find((one) => one.element === line);
      if (shape) places.forEach((place, index) => { shape.base[2 * index + 1] = place; });
      this.shapes.marks.filter((item) => item.series === series).forEach((item, index) => {
        item.base[1] = places[index];
        const name = item.text.lastIndexOf(": ");
        item.text = (name < 0 ? "" : item.text.slice(0, name + 2)) + this.words(xs[index], ys[index]);
      });
      for (const whisker of all(group, "path.whisker")) whisker.setAttribute("visibility", "hidden");
      return ys;
    }
    fit(values) {
      const scaled = values.map(this.y.scaled).filter(isFinite);
      const [low, high] = [Math.min(this.y.low, ...scaled), Math.max(this.y.high, ...scaled)];
      this.extent = {x: [this.x.low, this.x.high], y: [low, high]};
      this.reset();
    }
  }

  // Fields along one direction: an icicle from top to bottom, a timeline from left to right.
  class Strip extends Drawing {
    constructor(svg, figure) {
      super(svg, figure);
      this.isIcicle = !!svg.dataset.icicle;
      if (this.isIcicle) {
        const [top, height] = svg.dataset.icicle.split(" ").map(Number);
        [this.start, this.end] = [top, top + height];
        svg.addEventListener("click", (event) => {
          const index = this.find(event);
          if (index >= 0) this.enter(this.items[index]);
        });
      } else {
        this.axis = axisOf(svg.dataset.time);
        [this.start, this.end] = [this.axis.start, this.axis.end];
        svg.addEventListener("wheel", (event) => {
          if (!event.ctrlKey && !event.shiftKey) return;
          event.preventDefault();
          this.zoom(event.deltaY < 0 ? 0.8 : 1.25, this.local(event));
        }, {passive: false});
      }
      this.view = [this.start, this.end];
    }
    get canZoom() { return true; }
    collect() {
      const [place, size] = this.isIcicle ? ["y", "height"] : ["x", "width"];
      return all(this.svg, "rect.cell").filter((element) => element.querySelector("title")).map((element) => {
        const text = this.take(element);
        const next = element.nextElementSibling;
        return {
          element, text, name: text.slice(0, text.lastIndexOf(": ")) || text, words: next?.tagName === "text" ? next : null,
          from: +element.getAttribute(place), size: +element.getAttribute(size),
        };
      });
    }
    enter(item) {
      const isIn = this.view[0] === item.from && this.view[1] === item.from + item.size;
      this.view = isIn ? [this.start, this.end] : [item.from, item.from + item.size];
      this.layout();
    }
    step(by) { super.step(by); }
    press() { if (this.isIcicle && this.at >= 0) this.enter(this.items[this.at]); }
    zoom(factor, place) {
      const at = place ? place[0] : (this.start + this.end) / 2;
      const part = this.isIcicle ? 0.5 : (at - this.start) / (this.end - this.start);
      const size = Math.min((this.view[1] - this.view[0]) * factor, this.end - this.start);
      const middle = this.view[0] + part * (this.view[1] - this.view[0]);
      const low = clamp(middle - part * size, this.start, this.end - size);
      this.view = [low, low + size];
      this.layout();
    }
    reset() {
      this.view = [this.start, this.end];
      this.layout();
    }
    layout() {
      const factor = (this.end - this.start) / (this.view[1] - this.view[0]);
      for (const item of this.items) {
        const low = clamp(this.start + (item.from - this.view[0]) * factor, this.start, this.end);
        const high = clamp(this.start + (item.from + item.size - this.view[0]) * factor, this.start, this.end);
        const isSeen = high - low > 0.05;
        item.element.setAttribute("visibility", isSeen ? "visible" : "hidden");
        item.words?.setAttribute("visibility", "hidden");
        if (!isSeen) continue;
        item.element.setAttribute(this.isIcicle ? "y" : "x", low);
        item.element.setAttribute(this.isIcicle ? "height" : "width", high - low);
        const room = this.isIcicle ? +item.element.getAttribute("width") - 10 : high - low - 8;
        if (this.isIcicle ? high - low < 14 : room < 26) continue;
        if (!item.words) {
          item.words = draw("text", {class: "on"});
          item.element.after(item.words);
        }
        const letters = Math.floor(room / 7.4);
        item.words.textContent = item.name.length > letters ? item.name.slice(0, Math.max(0, letters - 1)) + "…" : item.name;
        item.words.setAttribute("visibility", "visible");
        const x = this.isIcicle ? +item.element.getAttribute("x") + 6 : low + 4;
        const y = this.isIcicle ? low + Math.min((high - low) / 2 + 4, 17) : +item.element.getAttribute("y") + 22;
        item.words.setAttribute("x", x);
        item.words.setAttribute("y", y);
      }
      if (!this.isIcicle) this.ticks();
    }
    ticks() {
      const group = this.svg.querySelector("g.ax");
      const axis = {...this.axis};
      axis.low = valueAt(this.axis, this.view[0]);
      axis.high = valueAt(this.axis, this.view[1]);
      const bottom = this.height - 40;
      group.replaceChildren();
      for (const tick of ticksOf(axis)) {
        const place = position(axis, tick);
        group.append(draw("line", {x1: place, x2: place, y1: 30, y2: bottom, class: "grid"}));
        if (place < this.width - 30)
          group.append(draw("text", {x: place, y: bottom + 15, "text-anchor": "middle", class: "tick"}, shown(tick, this.svg.dataset.ux, 4)));
      }
    }
  }

  // Bars and maps whose values sliders can move.
  class Bars extends Drawing {
    fit(lengths) {
      const axis = axisOf(this.svg.dataset.bars);
      const widest = Math.max(...lengths.filter((one) => one).map((one) => one.reduce((sum, value) => sum + value, 0)));
      axis.high = Math.max(axis.high, widest * 1.02);
      const group = this.svg.querySelector("g.ax");
      const bottom = this.height - 42;
      group.replaceChildren();
      for (const tick of ticksOf(axis)) {
        const place = position(axis, tick);
        group.append(draw("line", {x1: place, x2: place, y1: 30, y2: bottom, class: "grid"}));
        group.append(draw("text", {x: place, y: bottom + 15, "text-anchor": "middle", class: "tick"}, plain(tick, 3)));
      }
      all(this.svg, "g.bar").forEach((bar, index) => {
        if (!lengths[index]) return;
        let total = 0;
        all(bar, "rect.part").forEach((rect, part) => {
          const [from, to] = [position(axis, total), position(axis, total + lengths[index][part])];
          rect.setAttribute("x", from);
          rect.setAttribute("width", Math.max(0.5, to - from));
          total += lengths[index][part];
          const item = this.items.find((one) => one.element === rect);
          item.text = item.text.slice(0, item.text.lastIndexOf(": ") + 2) + shown(lengths[index][part], this.svg.dataset.u);
        });
        for (const whisker of all(bar, "line.whisker")) whisker.setAttribute("visibility", "hidden");
        const value = bar.querySelector("text.value");
        value.textContent = plain(total, 3);
        value.setAttribute("x", position(axis, total) + 6);
      });
    }
  }
  class Maps extends Drawing {
    fill(map, values, [low, high], unit) {
      const group = this.svg.querySelector(`g.map[data-s="${map}"]`);
      const texts = all(group, "text.value").slice(1);
      let filled = 0;
      all(group, "rect.shade, rect.void").forEach((rect, index) => {
        if (rect.classList.contains("void")) return;
        const value = values[index];
        rect.setAttribute("fill-opacity", 0.06 + 0.94 * clamp((value - low) / (high - low), 0, 1));
        texts[filled++].textContent = Math.abs(value) >= 9.95 ? value.toFixed(0) : plain(+value.toFixed(1), 2);
        const item = this.items.find((one) => one.element === rect);
        item.text = item.text.slice(0, item.text.lastIndexOf(": ") + 2) + plain(value, 3) + " " + unit;
      });
    }
  }

  // A figure: its drawings, its tools, its sliders.
  class Figure {
    constructor(element) {
      this.element = element;
      const data = document.getElementById("data-" + element.id);
      this.data = data ? JSON.parse(data.textContent) : null;
      this.program = programs[element.id];
      this.drawings = all(element, "svg").map((svg) => {
        const kind = svg.dataset.x ? Plot : svg.dataset.icicle || svg.dataset.time ? Strip
          : svg.dataset.bars ? Bars : svg.querySelector("g.map") ? Maps : Drawing;
        return new kind(svg, this);
      });
      this.tools();
      if (this.program) this.live();
      for (const region of all(element, ".drawing"))
        region.addEventListener("keydown", (event) => this.key(event));
    }
    get shownDrawing() { return this.drawings.find((one) => one.svg.getClientRects().length) ?? this.drawings[0]; }
    key(event) {
      const drawing = this.shownDrawing;
      const steps = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: "first", End: "last"};
      if (event.key in steps) drawing.step(steps[event.key]);
      else if (event.key === "Escape") drawing.leave();
      else if (event.key === "Enter" && drawing.press) drawing.press();
      else if (drawing.canZoom && (event.key === "+" || event.key === "-")) drawing.zoom(event.key === "+" ? 0.7 : 1.4);
      else if (drawing.canZoom && event.key === "0") drawing.reset();
      else return;
      event.preventDefault();
    }
    highlight(series) {
      this.lit = this.lit === series ? null : series;
      for (const {svg} of this.drawings) {
        for (const part of all(svg, "g.series, g.labels, [data-s].part, rect.cell[data-s]"))
          part.classList.toggle("faint", this.lit != null && part.dataset.s !== this.lit);
        for (const key of all(svg, "g.key")) key.setAttribute("aria-pressed", String(key.dataset.s === this.lit));
      }
    }
    tools() {
      const bar = make("div", {className: "tools"});
      if (this.drawings[0].canZoom) {
        const button = (text, label, act) => {
          const one = make("button", {type: "button", textContent: text, onclick: act});
          one.setAttribute("aria-label", label);
          bar.append(one);
        };
        button("+", "Zoom in", () => this.shownDrawing.zoom(0.7));
        button("−", "Zoom out", () => this.shownDrawing.zoom(1.4));
        button("all", "Show all", () => this.shownDrawing.reset());
      }
      const titles = this.data?.dots ? 1000 : all(this.drawings[0].svg, "title").length;
      if (titles > 8) {
        const count = make("span", {className: "note"});
        const input = make("input", {type: "search", placeholder: "highlight by name"});
        input.setAttribute("aria-label", "Highlight what is named so");
        input.addEventListener("input", () => {
          const words = input.value.trim().toLowerCase();
          const counts = this.drawings.map((drawing) => drawing.filter(words));
          count.textContent = words ? counts[0] + " found" : "";
        });
        bar.append(input, count);
      }
      if (bar.childNodes.length) this.element.querySelector(".drawing").before(bar);
    }
    live() {
      const {sliders, checks} = this.data;
      let worst = 0;
      for (const [inputs, outputs] of checks)
        this.program(inputs).forEach((value, index) => {
          const scale = Math.max(Math.abs(outputs[index]), 1e-300);
          worst = Math.max(worst, Math.abs(value - outputs[index]) / scale);
        });
      this.element.dataset.agreement = worst;
      const panel = make("div", {className: "live"});
      const heading = make("p", {className: "note", textContent:
        "Move a parameter: the figure is computed again, here, by the program's own closed form"
        + (worst < 1e-9 ? ` (page and program agree to ${worst < 1e-15 ? "all digits" : worst.toExponential(0)} in ${checks.length} places). ` : " (page and program DISAGREE: do not use the sliders). ")
        + "Tables and files keep the printed values."});
      panel.append(heading);
      this.values = sliders.map((slider) => slider[2]);
      const inputs = sliders.map(([name, unit, value, low, high], index) => {
        const range = make("input", {type: "range", min: 0, max: 1000, step: "any"});
        const place = (number) => 1000 * Math.log(number / low) / Math.log(high / low);
        range.value = place(value);
        const output = make("output", {textContent: shown(value, unit)});
        const say = (number) => {
          const factor = number / value;
          output.textContent = shown(number, unit) + (Math.abs(factor - 1) < 1e-6 ? "" : `, ${plain(factor, 3)}x`);
          range.setAttribute("aria-valuetext", output.textContent);
        };
        range.addEventListener("input", () => {
          this.values[index] = low * Math.exp(range.value / 1000 * Math.log(high / low));
          say(this.values[index]);
          this.compute();
        });
        panel.append(make("label", {}, make("span", {textContent: name}), range, output));
        return {set: (number) => { range.value = place(number); say(number); }};
      });
      panel.append(make("button", {
        type: "button", textContent: "as printed", onclick: () => {
          this.values = sliders.map((slider) => slider[2]);
          inputs.forEach((input, index) => input.set(this.values[index]));
          this.compute();
        },
      }));
      this.element.querySelector(".drawing").before(panel);
    }
    compute() {
      const {series, maps, bars} = this.data;
      const moved = this.values;
      if (series) {
        const results = series.map((one) => one && one[1].map((x) => this.program([...moved, x, ...one[0]])[one[2]]));
        this.results = results;
        for (const plot of this.drawings) {
          const values = results.flatMap((ys, index) => ys ? plot.move(index, series[index][1], ys) : []);
          plot.fit(values);
        }
      }
      if (maps)
        maps.forEach(([own, columns, rows, scale, unit], index) => {
          const values = rows.flatMap((row) => columns.map((column) => this.program([...moved, column, row, ...own])[0]));
          (this.results ??= [])[index] = values;
          for (const drawing of this.drawings) drawing.fill(index, values, scale, unit);
        });
      if (bars) {
        const outputs = this.program(moved);
        const lengths = bars.map((own) => own && outputs.slice(own[0], own[0] + own[1]));
        this.results = lengths;
        for (const drawing of this.drawings) drawing.fit(lengths);
      }
    }
  }

  window.rooftreeFigures = all(document, "figure[id]").map((element) => new Figure(element));

  // Long tables can be searched.
  for (const table of all(document, "details table")) {
    const rows = all(table, "tbody tr");
    if (rows.length <= 20) continue;
    const input = make("input", {type: "search", placeholder: "filter rows"});
    input.setAttribute("aria-label", "Show rows that hold");
    input.addEventListener("input", () => {
      const words = input.value.trim().toLowerCase();
      for (const row of rows) row.hidden = !!words && !row.textContent.toLowerCase().includes(words);
    });
    table.closest(".scroll").before(input);
  }
})();
