"""The page as a file: it stands alone, reads without a script, and shows what a user wrote as text alone."""

import json
import re
import xml.dom.minidom
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

import steptime as st
from steptime.model.estimate import symbols as e
from steptime.model.page.layouts import MOST
from steptime.model.page.mathml import mathml
from steptime.model.page.payload import payload_of
from steptime.model.quantity import declared

Run = Callable[..., tuple[int, str, str]]
ROOM = Path(__file__).parents[2] / "model" / "page"
LARGEST = 1_500_000
VOID = {"meta", "link", "input", "br", "path", "circle"}
HOSTILE = "</script><img src=x onerror=alert(1)>&\"'`${1}"


class Outline(HTMLParser):
    """Opened and closed elements, attributes, and text outside of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.tags: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.words += data


@pytest.fixture(scope="module")
def page() -> str:
    return st.step("deepseek-v3", "gb200-nvl72").report()


def test_a_page_stands_alone(page: str) -> None:
    """Nothing in it points elsewhere, and its policy lets nothing be fetched; it is small enough to be sent."""
    outline = Outline(page)
    assert outline.open == [] and len(page.encode()) <= LARGEST
    assert "default-src 'none'" in page
    pointing = {value: name for name, value in outline.attributes if name in ("src", "href", "action", "srcset")}
    assert set(pointing) <= {"data:,", "#answers", "#"}
    for word in ("http://", "https://", "@import", "url(", "fetch(", "XMLHttpRequest", "import("):
        assert word not in page.replace("http://www.w3.org/2000/svg", ""), word


def test_without_a_script_answer_formulas_and_a_picture_read(page: str) -> None:
    step, words = st.step("deepseek-v3", "gb200-nvl72"), Outline(page).words
    assert f"step time at least {1e3 * step.time:.4g} ms" in words
    assert f"about {1e3 * step.estimate.step_time:.4g} ms in practice; memory binds" in words
    assert page.count("<math") > 30 and '<path class="curve memory"' in page
    assert "KV cache bytes read per token of context, all layers" in words and "not modelled" in words


def test_at_most_two_hundred_layouts_and_formulas_not_answers() -> None:
    payload = payload_of(st.step("deepseek-v3", "gb200-nvl72", chips=64).case)
    listed = payload.data["layouts"]["listed"]
    assert 100 < len(listed) <= MOST == 200
    assert len({one["text"] for one in listed}) == len(listed)
    assert len({one["chips"] for one in listed}) >= 4
    times = {"step_time", "estimate", "compute", "memory", "tokens_per_second"}
    assert not times & {*payload.data["layouts"]["names"], *payload.data["values"]}


def test_the_scenario_s_own_layout_is_where_a_page_begins() -> None:
    step = st.step("deepseek-v3", "h200-sxm", layout="tp=8,dp=4,ep=32,ffn=all")
    layouts = payload_of(step.case).data["layouts"]
    assert layouts["listed"][layouts["start"]]["text"] == str(step.layout)


@pytest.mark.parametrize("form", ["html", "md"])
def test_a_hostile_name_is_text(form: str, tmp_path: Path) -> None:
    model = tmp_path / "model.toml"
    model.write_text(f"name = {json.dumps(HOSTILE)}\nparameters = 30e9\nkv_bytes = '100 kB'\n", "utf-8")
    text = st.step(str(model), "h100-sxm").report(form)
    if form == "html":
        assert "<img" not in text and "</script><" not in text
        outline = Outline(text)
        assert "img" not in outline.tags and outline.tags.count("script") == 1
        assert not any(name.startswith("on") for name, _ in outline.attributes)
        assert HOSTILE in outline.words
    else:
        outside_code = [line for line in text.splitlines() if not line.startswith("    ")]
        assert not any(re.search(r"(?<!\\)<", line) for line in outside_code)


def test_scripts_and_styles_are_files_that_one_reads() -> None:
    for path in [*ROOM.glob("*.js"), *ROOM.glob("*.css"), *ROOM.glob("*.html")]:
        lines = path.read_text("utf-8").splitlines()
        assert 20 <= len(lines) <= 250 and max(map(len, lines)) <= 120, path.name
        assert "</script" not in path.read_text("utf-8") or path.suffix == ".html"


@pytest.mark.parametrize("name", [
    name for name, record in declared().items()
    if not name.startswith("my_") and "/" not in record.latex  # ratios of letters are in chapters alone
])
def test_every_quantity_has_its_letter_in_mathml(name: str) -> None:
    assert e is not None
    element = xml.dom.minidom.parseString(mathml(declared()[name].symbol))
    text = "".join(node.data for leaf in element.getElementsByTagName("mi") for node in leaf.childNodes)
    assert text and not re.search(r"[\\{}_]|^bar|mathrm", text), text


def test_the_command_writes_a_file_and_markdown_to_standard_output(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    words = ("report", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8")
    assert run(*words, "-o", str(path)) == (0, "", "")
    assert path.read_text("utf-8").startswith("<!doctype html>")
    code, out, err = run(*words, "--format", "md")
    assert (code, err) == (0, "") and out.startswith("# llama-3.1-70b on h100-sxm\n")
    assert "| step time | " in out and out.count("$$") >= 10


@pytest.mark.parametrize(("words", "said"), [
    (("report", "llama-3.1-70b", "h100-sxm", "-o", "/nowhere/at/all.html"), "cannot be written"),
    (("report", "llama-3.1-70b"), "HARDWARE"),
    (("report", "llama-3.1-70b", "h100-sxm", "--format", "pdf"), "not one of"),
    (("report", "llama-3.1-70b", "h100-sxm", "--layout", "tp=7"), "does not divide"),
])  # fmt: skip
def test_what_goes_wrong_is_one_line(words: tuple[str, ...], said: str, run: Run) -> None:
    code, out, err = run(*words)
    assert (code, out, err.count("\n")) == (2, "", 1) and said in err


def test_a_step_without_a_time_is_refused_with_what_is_missing(run: Run, tmp_path: Path) -> None:
    machine = tmp_path / "bare.toml"
    machine.write_text('name = "bare"\npeak_flops = { bf16 = "197 TFLOP/s" }\nmemory_capacity = "16 GB"\n')
    code, _, err = run("report", "llama-3.1-8b", str(machine), "--layout", "tp=1")
    assert code == 2 and "memory_bandwidth" in err and err.count("\n") == 1
    with pytest.raises(st.UserError, match="html or md"):
        st.step("llama-3.1-70b", "h100-sxm", layout="tp=8").report("pdf")
