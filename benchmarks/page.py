"""How long a page takes to be written, to show itself, and to be drawn anew after a control moved; how large it is.

    python benchmarks/page.py [MODEL HARDWARE [NAME=VALUE …]]

Needs Chromium and the extra ``steptime[browser]``.
"""

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import steptime as st

MOVES = 60
MOVE = """() => { const slide = document.getElementById('slide-batch');
    slide.value = 100 + Math.floor(800 * Math.random());
    slide.dispatchEvent(new Event('input'));
    return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))); }"""
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


def main() -> None:
    from playwright.sync_api import sync_playwright  # an extra: the file can be imported without it

    model, hardware, *words = sys.argv[1:] or ("deepseek-v3", "gb200-nvl72")
    asked = dict(word.split("=", 1) for word in words)
    begun = time.process_time()
    text = st.step(model, hardware, **asked).report()
    said = " ".join([f"{model} on {hardware}", *words])
    print(f"{said}: written in {time.process_time() - begun:.1f} CPU seconds, {len(text.encode()):,} bytes")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        path = Path(folder) / "report.html"
        path.write_text(text, "utf-8")
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(path.as_uri())
        page.wait_for_function("() => document.documentElement.dataset.redrawn")
        page.wait_for_function(PAINT)
        drawn = "() => Number(document.documentElement.dataset.redrawn)"
        print(f"first paint after {page.evaluate(PAINT):.0f} ms, first picture in {page.evaluate(drawn):.0f} ms")
        times = []
        for _ in range(MOVES):
            page.evaluate(MOVE)
            times.append(page.evaluate(drawn))
        middle, high, slowest = statistics.median(times), sorted(times)[int(0.95 * MOVES)], max(times)
        print(f"drawn anew in {middle:.0f} ms, 19 of 20 in {high:.0f} ms, the slowest in {slowest:.0f} ms")
        browser.close()


if __name__ == "__main__":
    main()
