"""A page in a real browser, by links, sliders, keys and clicks: equal to the step, silent, asking nothing of a network.

Needs Chromium and Playwright; the check of accessibility also axe-core, as `axe-playwright-python` carries it.
"""

import random
import shlex
import shutil
from collections.abc import Callable, Iterator
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pages import DRAW, RATES, Json, expected

import steptime as st
from steptime.cli import steptime as commands
from steptime.model.view.output import stated

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HAS_AXE = find_spec("axe_playwright_python") is not None
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
PHONE, DESK = (390, 844), (1280, 900)
READ = """() => Object.fromEntries([...document.querySelectorAll("#table tr[data-key]")].map((row) =>
    [row.dataset.key, Number(row.querySelector("[data-side=a]").dataset.value)]))"""
PAGES = {
    "a decode step": ("deepseek-v3", "gb200-nvl72", {}),
    "in-flight batching": ("deepseek-v3", "h200-sxm", {"scope": "serving", "prompt": 6000, "output": 400,
                                                      "layout": "tp=2,dp=8,ep=16"}),
}  # fmt: skip
KEYS = ("ArrowRight", "ArrowLeft", "PageUp", "PageDown", "Home", "End")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


Opened = Callable[..., Any]


@pytest.fixture
def opened(browser: Any, folder: Path) -> Iterator[Opened]:
    """Opens a page; at the end no browser has said a word, and none has asked for anything but the file."""
    heard: list[str] = []
    contexts = []

    def call(link: str = "", size: tuple[int, int] = DESK, of: str = "a decode step", **more: Any) -> Any:
        path = folder / f"{of}.html"
        if not path.exists():
            model, hardware, words = PAGES[of]
            path.write_text(st.step(model, hardware, **words).report(), "utf-8")
        contexts.append(browser.new_context(viewport={"width": size[0], "height": size[1]}, **more))
        page = contexts[-1].new_page()
        page.on("console", lambda said: heard.append(said.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda asked: heard.append(asked.url) if not asked.url.startswith(path.as_uri()) else None)
        page.goto(f"{path.as_uri()}#{link}")
        return page

    yield call
    for context in contexts:
        context.close()
    assert heard == []


def settle(page: Any) -> None:
    """Until all that was changed is shown."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.wait_for_function("() => document.documentElement.dataset.state === toLink()")


def shown(page: Any) -> dict[str, float]:
    settle(page)
    return dict(page.evaluate(READ))


def step_of(page: Any) -> st.Step:
    """The step that the page's own command line asks for."""
    words = shlex.split(page.inner_text("#command"))
    with commands.commands["report"].make_context("report", words[2:]) as ctx:
        asked = stated(ctx, "model", "hardware", "form", "to")
        return st.step(ctx.params["model"], ctx.params["hardware"], **asked)


def must_agree(page: Any) -> None:
    """The table against the step."""
    found, step = shown(page), step_of(page)
    known = {"step_time": step.time, **{name: term.seconds for name, term in step.terms._asdict().items()}}
    known |= {"estimate": step.estimate.step_time, "low": step.estimate.low, "high": step.estimate.high}
    known |= {"tokens_per_second": step.tokens_per_second, "memory_per_chip": step.quantities["memory_per_chip"]}
    known |= {"dollars_per_million_tokens": step.dollars_per_million_tokens}
    known |= {f"estimate_{key}": step.to_dict()["estimate"][key] for key in RATES}
    assert {key: found[key] for key in known} == pytest.approx(known, rel=1e-9), page.inner_text("#command")
    said = page.inner_text("#said").split(". B: ")[0]
    assert f"{step.bound_by} binds" in said and ("does not fit" in said) == (not step.fits)


@pytest.mark.parametrize("of", PAGES)
def test_fifty_random_links_open_on_the_same_answer(of: str, opened: Opened) -> None:
    page = opened(of=of)
    page.evaluate(f"() => {{ {DRAW.replace('SEED', '11')} globalThis.draw = draw; }}")
    for _ in range(50):
        link = page.evaluate("() => encoded(draw())")
        page.evaluate("(link) => { location.hash = link; }", link)
        page.wait_for_function("(link) => document.documentElement.dataset.state === link", arg=link)
        must_agree(page)
    again = opened(link, of=of)
    assert shown(again) == shown(page)


@pytest.mark.parametrize("of", PAGES)
def test_fifty_moves_of_sliders_by_mouse_and_by_keys(of: str, opened: Opened) -> None:
    source, page = random.Random("sliders"), opened(of=of)
    sliders = page.query_selector_all("input[type=range]")
    for turn in range(50):
        slider = source.choice(sliders)
        slider.evaluate("(one) => one.scrollIntoView({ block: 'center' })")  # clear of what stays on top
        if turn % 2:
            box = slider.bounding_box()
            page.mouse.click(box["x"] + box["width"] * source.uniform(0.05, 0.95), box["y"] + box["height"] / 2)
        else:
            slider.focus()
            for key in source.choices(KEYS[:4], k=3) + source.choices(KEYS, k=1):
                page.keyboard.press(key)
        must_agree(page)
        assert slider.evaluate("(one) => one === document.activeElement")
    page.wait_for_function("() => location.hash.slice(1) === toLink()")


def test_the_command_line_itself_agrees(opened: Opened, run_json: Json) -> None:
    page = opened("batch=100&context=20000&memory_bandwidth=1e13&weights=fp4")
    found = run_json(*shlex.split(page.inner_text("#command"))[1:])
    known = {key: value for key, value in expected(found).items() if not key.startswith("bound_full")}
    mine = shown(page)
    assert {key: mine[key] for key in known if key in mine} == pytest.approx(
        {key: value for key, value in known.items() if key in mine}, rel=1e-9)  # fmt: skip
    assert len(mine) > 20


def test_fields_and_lists_by_keyboard_alone(opened: Opened) -> None:
    page = opened()
    page.focus("#field-memory_bandwidth")
    page.keyboard.press("Control+A")
    page.keyboard.type("10TB/s")
    page.keyboard.press("Enter")
    settle(page)
    assert page.evaluate("() => sides.a.numbers.memory_bandwidth") == 10e12
    page.keyboard.press("Control+A")
    page.keyboard.type("ten")
    page.keyboard.press("Enter")
    assert page.get_attribute("#field-memory_bandwidth", "aria-invalid") == "true"
    assert page.evaluate("() => sides.a.numbers.memory_bandwidth") == 10e12
    for chosen in ("#choose-weights", "#choose-chips", "#choose-layout"):
        before = page.input_value(chosen)
        page.focus(chosen)
        page.keyboard.press("ArrowDown")
        settle(page)
        assert page.input_value(chosen) != before
    must_agree(page)
    page.click("#reset")
    settle(page)
    assert page.evaluate("() => toLink()") == ""


def test_two_scenarios_stand_side_by_side_and_travel_in_a_link(opened: Opened) -> None:
    page = opened()
    page.click("#compare")
    page.focus("#slide-batch")
    page.keyboard.press("End")
    settle(page)
    cells = "#table tr[data-key=step_time] td"
    one, other, ratio = page.eval_on_selector_all(cells, "(cells) => cells.map((cell) => cell.textContent)")
    assert one != other and ratio.endswith("×")
    page.wait_for_function("() => location.hash.includes('b.batch=65536')")
    assert page.get_attribute("#link", "href") == page.evaluate("() => location.hash")
    again = opened(page.evaluate("() => location.hash.slice(1)"))
    settle(again)
    assert again.eval_on_selector_all(cells, "(cells) => cells.map((cell) => cell.textContent)") == [one, other, ratio]
    page.click("#side-a")
    page.fill("#field-batch", "128")
    page.keyboard.press("Enter")
    must_agree(page)  # the controls change A again
    page.click("#compare")
    settle(page)
    assert page.locator(cells).count() == 1


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_nothing_is_wider_than_the_screen(size: tuple[int, int], scheme: str, opened: Opened) -> None:
    page = opened("compare=1&b.batch=4096", size, color_scheme=scheme)
    settle(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= size[0]
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    assert page.locator("#figures svg[role=img]").count() == 5


def test_without_scripts_the_scenario_reads(opened: Opened) -> None:
    page = opened(java_script_enabled=False)
    assert "step time at least" in page.inner_text("#said") and "ms" in page.inner_text("#table")
    assert page.locator("#figures svg .curve").count() >= 3 and page.inner_text("#forms") == ""


@pytest.mark.skipif(not HAS_AXE, reason="needs axe-core")
@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_axe_finds_nothing_serious(size: tuple[int, int], scheme: str, opened: Opened) -> None:
    page = opened("compare=1&b.batch=4096", size, color_scheme=scheme)
    settle(page)
    script = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    page.evaluate(f"{script};0")  # as a developer's console would: the page's policy stands
    found = page.evaluate("() => axe.run()")["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
