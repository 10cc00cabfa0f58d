"""Runs the lessons and stores what they show: `python tests/notebooks.py [NAME…]`.

What is stored is the same on every machine with the same versions: no path, date, time, address.
The report with its scripts is left out, since it is big and since pages that show notebooks take
it away; the picture and the tree that stand in its place are kept. Each lesson links a report that
is beside it, as a page.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "notebooks"
LARGEST = 400_000
"""So many bytes a notebook may have."""

# Times are not written at all: they are others in every run. Done in the kernel, before the
# first cell, because in a finished text a time cannot be told from what a lesson speaks of.
PREPARE = """
import os
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)
import buildtrace.traces.wording
buildtrace.traces.wording.duration = lambda nanoseconds: ""
"""

PAGES = {
    "1_a_build_step_by_step": "trace.save(page)",
    "2_functional_shared_and_nested": "shared.save(page)",
    "3_subclassed_models": "trace3.save(page)",
    "4_built_by_fit": "trace.save(page)",
    "5_reading_a_failure": "trace.save(page)",
    "6_two_generations": """
from pathlib import Path
from buildtrace.renderers.page import lockstep
Path(page).write_text(lockstep.render(two, three, found), "utf-8")
""",
    "7_trained_saved_loaded": "loaded.save(page)",
    "8_a_70b_model_on_your_laptop": "one.save(page)",
}
"""The lessons → what writes the page beside each, in the lesson's own variables."""

NOISE = {
    "a path": re.compile(r"(?<![\w.~])/(?:tmp|root|home|usr|opt|work|var|Users|private)/\w"),
    "a path of Windows": re.compile(r"\b[A-Z]:\\\\?\w"),
    "a date": re.compile(r"\b20\d\d-\d\d-\d\d\b"),
    "a time": re.compile(r"\b\d+(?:\.\d+)? ?(?:µs|us|ms)\b(?!/)|\b\d+s \d+"),
    "an address": re.compile(r"\b0x[0-9a-f]{6,}"),
    "a kernel's file": re.compile(r"\b\d{5,}\.py\b"),
    "a frame": re.compile(r"<iframe"),
}
"""What no stored output may have in it."""


def lessons() -> list[Path]:
    """The notebooks, in their order."""
    return sorted(FOLDER.glob("*.ipynb"))


def read(path: Path) -> Any:
    """A notebook as it is stored."""
    return nbformat.read(path, as_version=4)


class Ran(NamedTuple):
    """A lesson that was run.

    Attributes:
        notebook: with the outputs that its cells have now, as they are stored.
        page: what is stored beside it.
    """

    notebook: Any
    page: str


def page_beside(path: Path) -> Path:
    """Where the page of a lesson is."""
    return path.with_suffix(".html")


def run(path: Path) -> Ran:
    """Run a notebook.

    Raises:
        CellExecutionError: a cell failed that is not tagged as one that shall.
    """
    notebook = read(path)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count, cell.metadata = [], None, _kept(cell.metadata)
    with tempfile.TemporaryDirectory() as folder:
        client = _Client(notebook, timeout=600, kernel_name="python3")
        client.resources["metadata"] = {"path": folder}
        page = Path(folder, "page.html")
        save = f"page = {page.name!r}\n{PAGES[path.stem]}"
        notebook.cells.append(nbformat.v4.new_code_cell(save))
        client.execute()
        notebook.cells.pop()
        scrub = _Scrubber(folder)
        for cell in code_cells(notebook):
            cell.metadata = _kept(cell.metadata)
            cell.outputs = [scrub.output(output) for output in _in_order(cell.outputs)]
        text = scrub.text(page.read_text("utf-8"))
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return Ran(notebook, text)


def code_cells(notebook: Any) -> list[Any]:
    """The cells that run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def noise(notebook: Any) -> list[str]:
    """What is in the outputs and must not be: which cell, what it is, and the place."""
    found = []
    for number, cell in enumerate(code_cells(notebook), 1):
        for text in _texts(cell.outputs):
            for what, pattern in NOISE.items():
                for match in pattern.finditer(text):
                    around = text[max(match.start() - 40, 0) : match.end() + 40]
                    found.append(f"cell {number}: {what}: {around!r}")
    return found


def _in_order(outputs: list[Any]) -> list[Any]:
    """The outputs with what was printed in one piece for each stream, stdout first.

    A kernel sends what is printed when it finds the time.
    """
    found: list[Any] = []
    printed: dict[str, Any] = {}
    for output in [*outputs, None]:
        if output is not None and output.output_type == "stream":
            if output.name in printed:
                printed[output.name].text += output.text
            else:
                printed[output.name] = output
            continue
        found += [printed[name] for name in sorted(printed, reverse=True)]
        printed = {}
        if output is not None:
            found.append(output)
    return found


def _kept(metadata: Any) -> dict[str, Any]:
    return {"tags": metadata["tags"]} if metadata.get("tags") else {}


def _texts(outputs: Any) -> list[str]:
    texts = []
    for output in outputs:
        texts += [output.get("text", ""), *output.get("traceback", [])]
        data = output.get("data", {})
        texts += [re.sub(r"base64,[\w+/=]+", "", text) for text in data.values()]
    return texts


class _Client(NotebookClient):  # type: ignore[misc]
    """Prepares the kernel before the first cell."""

    async def async_start_new_kernel_client(self) -> Any:
        client = await super().async_start_new_kernel_client()
        await self._async_prepare(client)
        return client

    async def _async_prepare(self, client: Any) -> None:
        reply = await client.execute_interactive(PREPARE, silent=True, store_history=False)
        assert reply["content"]["status"] == "ok", reply["content"]


class _Scrubber:
    """Takes out of outputs what is not the same everywhere."""

    def __init__(self, folder: str) -> None:
        places = {sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"), folder}
        places |= {str(Path(place).resolve()) for place in places}
        places.add(str(Path(__file__).parent.parent))
        # The longest first: one may be inside another.
        names = "|".join(re.escape(place) for place in sorted(places, key=len, reverse=True))
        self._places = re.compile(rf"(?:{names})/")

    def output(self, output: Any) -> Any:
        """An output as it is stored."""
        output = nbformat.from_dict(output)
        output.metadata = {} if "metadata" in output else output.pop("metadata", None)
        if output.output_type == "stream":
            output.text = self.text(output.text)
        elif output.output_type == "error":
            output.evalue = self.text(output.evalue)
            output.traceback = [self.text(text) for text in output.traceback]
        else:
            output.data = {kind: self.text(text) for kind, text in output.data.items()}
        if output.get("metadata") is None:
            output.pop("metadata", None)
        return output

    def text(self, text: str) -> str:
        """A text without paths, dates, what stands in place of a time, and without the frame."""
        text = re.sub(r"<iframe\b[^>]*>(.*)</iframe>", r"\1", text, flags=re.DOTALL)
        text = self._places.sub("", text)
        text = re.sub(r"/\S*/ipykernel_\d+/\d+\.py", "Cell", text)
        text = re.sub(r" on 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", "", text)  # a file was saved
        text = re.sub(r" · ?(?=\n|$|</div>)", "", text)
        return "\n".join(line.rstrip() for line in text.split("\n"))


def main(names: list[str]) -> int:
    """Run the named lessons, or all, and store them; returns how many could not be."""
    failed = 0
    for path in lessons():
        if names and not any(name in path.name for name in names):
            continue
        notebook, page = run(path)
        problems = noise(notebook)
        nbformat.write(notebook, path)
        page_beside(path).write_text(page, "utf-8")
        print(f"{path.name}: {path.stat().st_size:,} bytes")
        for problem in problems:
            print(f"  {problem}")
        failed += bool(problems)
    return failed


if __name__ == "__main__":
    os.environ["PYTHONHASHSEED"] = "0"
    sys.exit(main(sys.argv[1:]))
