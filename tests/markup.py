"""Reads pieces of HTML for tests, as a browser and as a notebook that trusts nobody would."""

from __future__ import annotations

import json
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

VOID = {"img", "br", "hr"}


class Element:
    def __init__(self, tag, attributes=(), parent=None):
        self.tag, self.attributes, self.parent = tag, dict(attributes), parent
        self.children = []

    @property
    def text(self):
        return "".join(c if isinstance(c, str) else c.text for c in self.children)

    def find(self, tag):
        inner = [c for c in self.children if isinstance(c, Element)]
        return [found for c in inner for found in ([c] if c.tag == tag else []) + c.find(tag)]


class _Parser(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = self.open = Element("")

    def handle_starttag(self, tag, attrs):
        made = Element(tag, attrs, self.open)
        assert len(made.attributes) == len(attrs), "an attribute stands twice"
        self.open.children.append(made)
        if tag not in VOID:
            self.open = made

    def handle_endtag(self, tag):
        if tag in VOID:  # as in <img />
            return
        assert self.open.tag == tag, f"</{tag}> closes <{self.open.tag}>"
        self.open = self.open.parent

    def handle_data(self, data):
        self.open.children.append(data)


def parse(text):
    """The elements of a piece of HTML; fails if a tag is not closed where it has to be."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    assert parser.open is parser.root, f"<{parser.open.tag}> is not closed"
    return parser.root


def tags(text):
    """The names of all tags in a piece of HTML."""
    found, waiting = set(), [parse(text)]
    while waiting:
        element = waiting.pop()
        found.add(element.tag)
        waiting += [c for c in element.children if isinstance(c, Element)]
    return found - {""}


def sanitizer(folder):
    """JupyterLab's own sanitizer, from npm, as a function from HTML to HTML."""
    if shutil.which("npm") is None:
        pytest.skip("no npm on this machine")

    def run(*command, **more):
        return subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=300, **more
        ).stdout

    (folder / "package.json").write_text('{"private": true}')
    quiet = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts")
    try:
        run("npm", "install", *quiet, "sanitize-html")
        archive = run("npm", "pack", "--silent", "@jupyterlab/apputils").strip()
    except subprocess.CalledProcessError:
        pytest.skip("npm does not give us JupyterLab's sanitizer")
    run("tar", "xzf", archive, "package/lib/sanitizer.js")
    shutil.copy(folder / "package" / "lib" / "sanitizer.js", folder / "sanitizer.mjs")
    (folder / "run.mjs").write_text(
        "import { Sanitizer } from './sanitizer.mjs';\n"
        "import { readFileSync } from 'node:fs';\n"
        "const dirty = JSON.parse(readFileSync(0, 'utf8'));\n"
        "process.stdout.write(JSON.stringify(new Sanitizer().sanitize(dirty)));\n"
    )
    return lambda text: json.loads(run("node", "run.mjs", input=json.dumps(text)))
