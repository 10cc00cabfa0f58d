"""Who imports whom, and what runs with a script."""

import pytest

from buildtrace.cli.repository.import_graph import ImportGraph, UnreadableError

NET = "import keras\ndef make():\n    return keras.Sequential()\n"


def graph_of(folder, **more):
    return ImportGraph(folder, **more)


@pytest.mark.parametrize(
    ("main", "builds"),
    [
        ("from net import make\nmake()", True),
        ("from net import make as m\nm()", True),
        ("import net\nnet.make()", True),
        ("import net as n\nif __name__ == '__main__':\n    n.make()", True),
        ("from net import make\ndef main():\n    make()\nmain()", True),
        ("from net import make\ndef main(_):\n    make()\napp.run(main)", True),
        ("from net import make\nclass T:\n    def run(self):\n        make()\nT().run()", True),
        ("from net import *\nprint(1)", False),
        ("from net import make", False),
        ("from net import make\ndef main():\n    make()", False),
        ("from net import make\nclass T:\n    def run(self):\n        make()\nregister(T)", False),
        ("import other\nother.make()", False),
    ],
)
def test_what_a_script_reaches_in_its_modules(project, main, builds):
    folder = project(net=NET, main=main)
    assert graph_of(folder).reach(folder / "main.py").builds is builds


def test_a_module_that_builds_at_its_top_builds_in_who_imports_it(project):
    folder = project(net="import keras\nmodel = keras.Sequential()", main="import net")
    assert graph_of(folder).reach(folder / "main.py").builds


def test_what_a_module_has_behind_main_is_not_reached(project):
    net = NET + "if __name__ == '__main__':\n    make()\n"
    folder = project(net=net, main="import net")
    assert not graph_of(folder).reach(folder / "main.py").builds


def test_names_that_a_package_passes_on_are_followed(project):
    folder = project(
        pkg__in____init__="from .nets import make",
        pkg__in__nets="from .deep.net import make",
        pkg__in__deep__in____init__="",
        pkg__in__deep__in__net=NET,
        main="from pkg import make\nmake()",
        examples__in__below="import pkg\npkg.make()",
    )
    graph = graph_of(folder)
    assert graph.reach(folder / "main.py").builds
    assert graph.reach(folder / "examples" / "below.py").builds
    assert {path.relative_to(folder).as_posix() for path in graph.imported(folder / "main.py")} == {
        "pkg/__init__.py",
        "pkg/nets.py",
        "pkg/deep/__init__.py",
        "pkg/deep/net.py",
    }


def test_a_package_in_src_is_found(project):
    folder = project(src__in__pkg__in____init__=NET, main="import pkg\npkg.make()")
    assert graph_of(folder).reach(folder / "main.py").builds


def test_circles_end(project):
    folder = project(a="import b\nfrom b import x\nx()", b="import a\nfrom a import x\nx()")
    graph = graph_of(folder)
    assert not graph.reach(folder / "a.py").builds
    assert graph.imported(folder / "a.py") == {folder / "b.py"}


def test_nothing_outside_of_the_project_is_looked_at(project, tmp_path):
    (tmp_path / "net.py").write_text(NET)
    folder = project(main="import net\nnet.make()", up="from ... import net\nnet.make()")
    assert graph_of(folder).imported(folder / "main.py") == set()
    assert not graph_of(folder).reach(folder / "main.py").builds


def test_a_module_that_is_gone_is_still_imported(project):
    folder = project(main="import net")
    gone = folder / "net.py"
    assert graph_of(folder).imported(folder / "main.py") == set()
    assert graph_of(folder, gone=frozenset([gone])).imported(folder / "main.py") == {gone}


def test_arguments_count_where_they_are_reached(project):
    folder = project(
        options="def parse(p):\n    p.add_argument('data')",
        main="from options import parse\nparse(1)",
        other="import options",
    )
    assert graph_of(folder).reach(folder / "main.py").required == ["data"]
    assert graph_of(folder).reach(folder / "other.py").required == []


def test_what_cannot_be_read_says_why(project):
    folder = project(main="print 1", other="import main\nmain.run()")
    graph = graph_of(folder)
    with pytest.raises(UnreadableError, match=r"^is no Python: "):
        graph.reach(folder / "main.py")
    with pytest.raises(UnreadableError, match="cannot be read: No such file"):
        graph.reach(folder / "none.py")
    (folder / "binary.py").write_bytes(b"\xff\xfe\0")
    with pytest.raises(UnreadableError, match=r"is no Python|cannot be read as Python"):
        graph.reach(folder / "binary.py")
    assert not graph.reach(folder / "other.py").builds
