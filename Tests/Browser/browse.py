#!/usr/bin/env python3
"""Looks at pages of rooftree in a headless Chromium, as a reader would.

    browse.py ROOFTREE GALLERY [--update] [--keep FOLDER]

ROOFTREE is the program; GALLERY the page that Tests/ReportsTests writes (.build/gallery/index.html). Checked on every
page, at 1,280 and 390 pixels, in print and in the dark: nothing in the console, nothing wider than the screen, no words
of a figure over others or outside of it, contrast AA, alternative texts, the keyboard, and that sliders agree with the
program. The gallery, whose data never change, is compared with the pictures in Tests/Browser/expected; --update writes
them anew. Nothing but Python's standard library and Chromium is needed.
"""
import base64
import fcntl
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
# Part of the pixels of a picture that may differ visibly: fonts are drawn a little differently by versions of Chromium.
TOLERANCE = 0.02
# A title as hostile as a user's file can hold: markup, quotes, a change of direction, no end.
HOSTILE = 'title="<script>alert(1)</script> \\" \' & {{title}} \u202e ' + "\u05e9\u05dc\u05d5\u05dd " + "very long " * 30 + '"'


class Browser:
    """A Chromium, driven over a pipe by its own protocol."""

    def __init__(self, folder):
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if not program:
            sys.exit("browse.py: no Chromium; make setup-tests installs it")
        read_child, self.write = os.pipe()
        self.read, write_child = os.pipe()

        def place():
            ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (read_child, write_child)]
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--remote-debugging-pipe", "--hide-scrollbars", "--disable-gpu",
             "--force-color-profile=srgb", "--font-render-hinting=none", f"--user-data-dir={folder}/profile", "about:blank"],
            preexec_fn=place, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(read_child)
        os.close(write_child)
        self.rest, self.number, self.events, self.session = b"", 0, [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")

    def receive(self):
        while b"\0" not in self.rest:
            piece = os.read(self.read, 1 << 20)
            if not piece:
                sys.exit("browse.py: Chromium ended")
            self.rest += piece
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.write, data):]
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def open(self, path, width, dark=False, media="screen"):
        self.events = []
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self.receive())

    def evaluate(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"].get("exception", result["exceptionDetails"]))
        return result["result"].get("value")

    def press(self, key, code=None, text=None):
        for kind in ("keyDown", "keyUp"):
            extra = {"text": text} if text and kind == "keyDown" else {}
            codes = {"Tab": 9, "Enter": 13, "ArrowRight": 39, "Escape": 27, " ": 32}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=code or key,
                      windowsVirtualKeyCode=codes.get(key, 0), **extra)

    def complaints(self):
        names = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [json.dumps(event["params"])[:400] for event in self.events if event["method"] in names]

    def picture(self, width, height, scale):
        result = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                           clip={"x": 0, "y": 0, "width": width, "height": height, "scale": scale})
        return base64.b64decode(result["data"])


# What no reader should find, as a list of sentences.
LAYOUT = r"""
(() => {
  const faults = [];
  const name = (text) => JSON.stringify(text.textContent.slice(0, 40));
  if (document.documentElement.scrollWidth > innerWidth) {
    const wide = [...document.querySelectorAll("main *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 1
      && !one.closest(".scroll") && !one.closest("svg"));
    faults.push(`wider than the screen: ${document.documentElement.scrollWidth} of ${innerWidth}, `
      + wide.slice(0, 3).map((one) => one.tagName + "." + one.className).join(", "));
  }
  for (const svg of document.querySelectorAll("svg")) {
    if (!svg.getClientRects().length) continue;
    const figure = svg.closest("figure").id;
    if (!svg.getAttribute("aria-label")) faults.push(`${figure}: no alternative text`);
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].filter((text) => text.textContent.trim()
      && getComputedStyle(text).visibility !== "hidden" && !text.closest("[clip-path]"));
    const boxes = texts.map((text) => text.getBoundingClientRect());
    boxes.forEach((box, index) => {
      if (box.left < frame.left - 2 || box.right > frame.right + 2 || box.top < frame.top - 3 || box.bottom > frame.bottom + 3)
        faults.push(`${figure}: ${name(texts[index])} is cut off`);
    });
    const order = boxes.map((box, index) => index).sort((a, b) => boxes[a].top - boxes[b].top);
    for (let i = 0; i < order.length; i++)
      for (let j = i + 1; j < order.length; j++) {
        const [a, b] = [boxes[order[i]], boxes[order[j]]];
        if (b.top > a.bottom - 3) break;
        const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (width > 2 && height > 4)
          faults.push(`${figure}: ${name(texts[order[i]])} over ${name(texts[order[j]])}`);
      }
  }
  for (const image of document.querySelectorAll("img")) if (!image.alt) faults.push("an image without words");
  if (document.documentElement.lang !== "en") faults.push("no language");
  return [...new Set(faults)].slice(0, 12);
})()
"""

CONTRAST = r"""
(() => {
  const faults = new Set();
  const parse = (text) => {
    const parts = text.match(/[\d.]+/g).map(Number);
    return {rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1};
  };
  const over = (top, alpha, below) => top.map((value, index) => alpha * value + (1 - alpha) * below[index]);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((value) => value / 255).map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const paper = parse(getComputedStyle(document.body).backgroundColor).rgb;
  const behind = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const color = parse(getComputedStyle(one).backgroundColor);
      if (color.alpha > 0) layers.push(color);
      if (color.alpha === 1) break;
    }
    return layers.reverse().reduce((below, color) => over(color.rgb, color.alpha, below), paper);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || seen.has(element) || !element.getClientRects().length) continue;
    if (["SCRIPT", "STYLE"].includes(element.tagName)) continue;
    seen.add(element);
    const style = getComputedStyle(element);
    if (style.visibility === "hidden") continue;
    let [front, back] = [parse(style.color).rgb, behind(element)];
    if (element.namespaceURI.endsWith("svg")) {
      if (element.tagName !== "text") continue;
      front = parse(style.fill).rgb;
      const field = element.previousElementSibling;
      if (field?.tagName === "rect" && (element.classList.contains("on") || element.closest("g.map"))) {
        const fill = getComputedStyle(field);
        if (fill.fill !== "none") back = over(parse(fill.fill).rgb, +fill.fillOpacity, back);
      }
    }
    const size = parseFloat(style.fontSize), bold = +style.fontWeight >= 700;
    const least = size >= 24 || bold && size >= 18.66 ? 3 : 4.5;
    const found = ratio(front, back);
    if (found < least - 0.005)
      faults.add(`contrast ${found.toFixed(2)} of ${element.tagName}.${element.getAttribute("class")} ${JSON.stringify(element.textContent.slice(0, 30))}`);
  }
  return [...faults].slice(0, 10);
})()
"""

# Moves every slider, and compares what the figure then shows with the program's operations carried out one by one.
SLIDERS = r"""
(() => {
  const faults = [];
  let live = 0;
  for (const figure of rooftreeFigures) {
    if (!figure.program) continue;
    live++;
    const id = figure.element.id;
    const worst = +figure.element.dataset.agreement;
    if (!(worst < 1e-9)) faults.push(`${id}: page and program differ by ${worst}`);
    const inputs = [...figure.element.querySelectorAll(".live input")];
    if (inputs.length !== figure.data.sliders.length) faults.push(`${id}: sliders are missing`);
    for (const input of inputs) {
      input.value = 800;
      input.dispatchEvent(new Event("input"));
    }
    const flat = (figure.results ?? []).flat().filter((value) => value !== null);
    if (!flat.length || !flat.every(Number.isFinite)) faults.push(`${id}: no numbers after a slider moved`);
    if (figure.values.some((value, index) => Math.abs(value / figure.data.sliders[index][2] - 1) < 1e-3))
      faults.push(`${id}: a slider did not move`);
    figure.element.querySelector(".live button").click();
    const back = (figure.results ?? []).flat().filter((value) => value !== null);
    const printed = figure.values.every((value, index) => value === figure.data.sliders[index][2]);
    if (!printed || !back.length) faults.push(`${id}: the printed values do not come back`);
  }
  return {faults, live};
})()
"""

TIMING = r"""
(() => {
  const figure = rooftreeFigures.find((one) => one.data?.dots);
  const drawing = figure.shownDrawing;
  const time = (act) => { const from = performance.now(); act(); drawing.svg.getBoundingClientRect(); return performance.now() - from; };
  const box = drawing.svg.getBoundingClientRect();
  drawing.items;
  return {
    points: drawing.items.length,
    hover_ms: time(() => drawing.point(new PointerEvent("pointermove", {clientX: box.left + 300, clientY: box.top + 200}))),
    zoom_ms: time(() => drawing.zoom(0.5)),
    filter_ms: time(() => drawing.filter("row 12")),
    reset_ms: time(() => drawing.reset()),
  };
})()
"""


def pixels(data):
    """The grey levels of a PNG: width, height, rows."""
    place, idat = 8, b""
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place:place + 8])
        body = data[place + 8:place + 8 + length]
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", body[:10])
        elif kind == b"IDAT":
            idat += body
        place += 12 + length
    size = {2: 3, 6: 4, 0: 1}[color]
    assert depth == 8
    raw, rows, last = zlib.decompress(idat), [], bytearray(width * size)
    for y in range(height):
        start = y * (width * size + 1)
        kind, line = raw[start], bytearray(raw[start + 1:start + 1 + width * size])
        for x in range(len(line)):
            left = line[x - size] if x >= size else 0
            up, corner = last[x], last[x - size] if x >= size else 0
            if kind == 1:
                line[x] = (line[x] + left) & 255
            elif kind == 2:
                line[x] = (line[x] + up) & 255
            elif kind == 3:
                line[x] = (line[x] + (left + up) // 2) & 255
            elif kind == 4:
                guess = left + up - corner
                near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
                line[x] = (line[x] + near) & 255
        last = line
        rows.append([sum(line[x:x + min(size, 3)]) // min(size, 3) for x in range(0, len(line), size)])
    return width, height, rows


def difference(expected, found):
    """The part of the pixels that differ visibly; 1 where the sizes differ by more than a little."""
    (w1, h1, a), (w2, h2, b) = pixels(expected), pixels(found)
    if w1 != w2 or abs(h1 - h2) > 0.03 * h1:
        return 1.0
    # A line of text may end elsewhere and move what is below it: each row finds its best match nearby.
    wrong = 0
    for y in range(min(h1, h2)):
        wrong += min(
            sum(abs(p - q) > 48 for p, q in zip(a[y], b[other]))
            for other in range(max(0, y - 4), min(h2, y + 5)))
    return wrong / (w1 * min(h1, h2))


class Looks:
    def __init__(self, browser, folder, keep):
        self.browser, self.folder, self.keep, self.faults = browser, folder, keep, []

    def expect(self, words, problems):
        for problem in problems:
            self.faults.append(f"{words}: {problem}")

    def page(self, path, name):
        for width in (1280, 390):
            where = f"{name} at {width}"
            self.browser.open(path, width)
            self.expect(where, self.browser.complaints())
            self.expect(where, self.browser.evaluate(LAYOUT))
            if self.keep:
                height = self.browser.evaluate("document.documentElement.scrollHeight")
                with open(f"{self.keep}/{name}-{width}.png", "wb") as file:
                    file.write(self.browser.picture(width, min(height, 16000), 1))
            if width == 1280:
                self.expect(where, self.browser.evaluate(CONTRAST))
                self.keyboard(where)
                result = self.browser.evaluate("typeof rooftreeFigures === 'undefined' ? null : " + SLIDERS.strip())
                if result:
                    self.expect(where, result["faults"])
                self.expect(where, self.browser.evaluate(LAYOUT))
                self.expect(where + " after use", self.browser.complaints())
        self.browser.open(path, 1280, dark=True)
        self.expect(f"{name} in the dark", self.browser.evaluate(CONTRAST))
        # A4 without its margins, as the page's own style sheet asks.
        self.browser.open(path, 688, media="print")
        self.expect(f"{name} printed", self.browser.evaluate(LAYOUT))
        self.browser.open(path, 1280, media="")
        pdf = base64.b64decode(self.browser.call("Page.printToPDF", preferCSSPageSize=True)["data"])
        if not pdf.startswith(b"%PDF") or b"/MediaBox [0 0 594" not in pdf and b"/MediaBox [0 0 595" not in pdf:
            self.expect(f"{name} as PDF", ["no A4 pages"])

    def keyboard(self, where):
        """Tab reaches a figure, arrows step through its values, Enter highlights a series."""
        count = self.browser.evaluate("document.querySelectorAll('figure .drawing').length")
        if not count:
            return
        for _ in range(80):
            self.browser.press("Tab")
            if self.browser.evaluate("document.activeElement?.classList.contains('drawing') === true"):
                break
        else:
            self.expect(where, ["the keyboard does not reach the first figure"])
            return
        self.browser.press("ArrowRight")
        text = self.browser.evaluate("document.querySelector('.tip').hidden ? '' : document.querySelector('.tip').textContent")
        if not text:
            self.expect(where, ["an arrow key shows no value"])
        self.browser.press("Escape")
        for _ in range(40):
            self.browser.press("Tab")
            if self.browser.evaluate("document.activeElement?.getAttribute('role') === 'button' && !!document.activeElement.closest('svg')"):
                self.browser.press("Enter", text="\r")
                if self.browser.evaluate("document.activeElement.getAttribute('aria-pressed')") != "true":
                    self.expect(where, ["Enter highlights no series"])
                self.browser.press("Enter", text="\r")
                break

    def compare(self, path, update):
        expected = os.path.join(HERE, "expected")
        for name, width, dark in (("wide", 1280, False), ("narrow", 390, False), ("dark", 1280, True)):
            self.browser.open(path, width, dark)
            height = self.browser.evaluate("document.documentElement.scrollHeight")
            found = self.browser.picture(width, height, 0.25 if width > 600 else 0.4)
            file = f"{expected}/gallery-{name}.png"
            if update:
                os.makedirs(expected, exist_ok=True)
                with open(file, "wb") as out:
                    out.write(found)
                continue
            with open(file, "rb") as known:
                part = difference(known.read(), found)
            if part > TOLERANCE:
                kept = f"{self.keep or tempfile.gettempdir()}/gallery-{name}.png"
                with open(kept, "wb") as out:
                    out.write(found)
                self.expect(f"gallery, {name}", [f"{100 * part:.1f} % of the pixels differ from {file}; found: {kept}"])


def main():
    arguments = [word for word in sys.argv[1:] if not word.startswith("--")]
    options = sys.argv[1:]
    if len(arguments) < 2:
        sys.exit(__doc__)
    rooftree, gallery = arguments[:2]
    keep = arguments[2] if "--keep" in options and len(arguments) > 2 else None
    if keep:
        os.makedirs(keep, exist_ok=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rooftree-browser-", ignore_cleanup_errors=True) as folder:
        browser = Browser(folder)
        looks = Looks(browser, folder, keep)
        looks.page(gallery, "gallery")
        looks.compare(gallery, "--update" in options)
        if "--timing" in options:
            browser.open(gallery, 1280)
            print(json.dumps(browser.evaluate(TIMING)))
        for subject in ("getting-started", "comp-vs-comm", "pim-opt", "criteo-svm-admm", "llama-70b-serving",
                        "gpt3-cheapest", "nvidia-h200-slow-b", "claims", "hostile"):
            words = ["bert-large-a100", "--set", HOSTILE] if subject == "hostile" else [subject]
            subprocess.run([rooftree, "report", *words, "--output", f"{folder}/{subject}"], check=True,
                           stdout=subprocess.DEVNULL)
            looks.page(f"{folder}/{subject}/index.html", subject)
        browser.process.terminate()
        browser.process.wait()
    for fault in looks.faults:
        print(fault)
    print(f"browser: {len(looks.faults)} faults, {time.monotonic() - start:.0f} s")
    sys.exit(1 if looks.faults else 0)


if __name__ == "__main__":
    main()
