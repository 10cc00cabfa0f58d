"""A report taken apart as a browser would, without a browser."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "input", "br", "img", "link", "hr"}


@dataclass
class Element:
    tag: str
    attributes: dict
    parent: Element | None = None
    children: list = field(default_factory=list)

    @property
    def text(self):
        return "".join(c if isinstance(c, str) else c.text for c in self.children)

    def all(self, tag):
        for child in self.children:
            if isinstance(child, Element):
                if child.tag == tag:
                    yield child
                yield from child.all(tag)

    def id(self, name):
        return next(e for e in self.everything() if e.attributes.get("id") == name)

    def everything(self):
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.everything()


class _Parser(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("document", {})
        self.problems = []

    def handle_starttag(self, tag, attrs):
        element = Element(tag, dict(attrs), self.at)
        self.at.children.append(element)
        if tag not in VOID:
            self.at = element

    def handle_startendtag(self, tag, attrs):
        self.at.children.append(Element(tag, dict(attrs), self.at))

    def handle_endtag(self, tag):
        if self.at.tag != tag:
            self.problems.append(f"</{tag}> closes <{self.at.tag}>")
        elif self.at.parent:
            self.at = self.at.parent

    def handle_data(self, data):
        self.at.children.append(data)


def parse(page):
    """The page as a tree; a tag that is not closed where it should be is an error."""
    parser = _Parser()
    parser.feed(page)
    parser.close()
    assert parser.problems == []
    assert parser.at is parser.root
    return parser.root


def data_of(root):
    """What the page's scripts get."""
    return json.loads(gzip.decompress(base64.b64decode(root.id("data").text)))


def policy_of(root):
    """The page's Content-Security-Policy, by directive."""
    (meta,) = (m for m in root.all("meta") if "http-equiv" in m.attributes)
    assert meta.attributes["http-equiv"] == "Content-Security-Policy"
    words = (rule.split() for rule in meta.attributes["content"].split(";"))
    return {first: rest for first, *rest in words}


def check_policy(root):
    """The policy allows the page's two inline texts and nothing else."""
    (style,) = root.all("style")
    script = list(root.all("script"))[-1]
    assert policy_of(root) == {
        "default-src": ["'none'"],
        "script-src": [hash_of(script.text)],
        "style-src": [hash_of(style.text)],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }


def check_no_markup(root, scripts=("application/octet-stream", "module")):
    """No text of the trace became an element or a handler; these are the scripts."""
    kinds = [script.attributes.get("type") for script in root.all("script")]
    assert kinds == [*scripts]
    assert len(list(root.all("style"))) == 1
    assert list(root.all("img")) == []
    assert [n for e in root.everything() for n in e.attributes if n.startswith("on")] == []


def hash_of(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def addresses(root):
    """Everything on the page that a browser would fetch or go to."""
    names = {"src", "href", "xlink:href", "action", "srcset", "data", "poster", "background"}
    attributes = [v for e in root.everything() for n, v in e.attributes.items() if n in names]
    styles = "".join(style.text for style in root.all("style"))
    return attributes + re.findall(r"url\([^)]*\)|@import[^;]*", styles)
