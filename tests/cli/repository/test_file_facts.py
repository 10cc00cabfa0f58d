"""What a file does when it runs, by its source."""

import textwrap

import pytest

from buildtrace.cli.repository.file_facts import MAIN, MODULE, read


def facts(code):
    return read(textwrap.dedent(code))


def builds(code, scope=MODULE):
    found = facts(code).scopes.get(scope)
    return bool(found and found.builds)


@pytest.mark.parametrize(
    "code",
    [
        "import keras\nkeras.Sequential()",
        "import keras as k\nk.layers.Dense(3)",
        "from keras import layers\nlayers.Dense(3)",
        "from keras.layers import Dense as D\nD(3)",
        "from keras.layers import *\nDense(3)",
        "import tensorflow as tf\ntf.keras.Input((3,))",
        "from tensorflow import keras\nkeras.Input((3,))",
        "from tensorflow.keras.models import Sequential\nSequential()",
        "import tensorflow as tf\nkeras = tf.keras\nlayers = keras.layers\nlayers.Dense(2)",
        "import tf_keras\ntf_keras.Sequential()",
        "import tf_keras as keras\nkeras.layers.Dense(3)",
        "from tf_keras import layers\nlayers.Dense(3)",
        "from tf_keras.layers import *\nDense(3)",
        "import keras\nkeras.applications.resnet50.ResNet50(weights=None)",
        "import keras\nkeras.models.load_model('model.keras')",
        "import keras_hub\nkeras_hub.models.Backbone.from_preset('x')",
        "import keras\nfor n in range(3):\n    keras.layers.Dense(n)",
        "import keras\nwith open('x'):\n    m = [keras.layers.Dense(n) for n in range(3)]",
        "import keras\nclass Holder:\n    layer = keras.layers.Dense(3)",
        "try:\n    import keras\nexcept ImportError:\n    raise\nkeras.Input(3)",
    ],
)
def test_what_makes_a_layer_or_a_model_builds(code):
    assert builds(code)


@pytest.mark.parametrize(
    "code",
    [
        "import keras\nprint(keras.__version__)",
        "import keras\nkeras.utils.set_random_seed(1)",
        "import keras\nkeras.layers.InputSpec(ndim=2)",
        "import keras\nkeras.datasets.mnist.load_data()",
        "import keras\ndef make():\n    return keras.Sequential()",
        "import keras\nclass N(keras.Model):\n    def __init__(self):\n        super().__init__()",
        "import torch\ntorch.nn.Sequential()",
        "class keras:\n    Sequential = dict\nkeras.Sequential()",
        "import keras\nif __name__ == '__main__':\n    keras.Sequential()",
    ],
)
def test_nothing_else_does(code):
    assert not builds(code)


def test_what_stands_behind_main_is_no_part_of_an_import():
    code = "import keras\nif __name__ == '__main__':\n    keras.Sequential()\nelse:\n    print(1)"
    assert builds(code, MAIN)
    assert not builds(code, MODULE)
    assert builds(code.replace("__name__ == '__main__'", "'__main__' == __name__"), MAIN)
    assert builds(code.replace("==", "!="), MODULE)  # the reverse is no guard


def test_functions_and_classes_are_scopes_of_their_own():
    code = """
        import keras

        def make():
            def inner():
                return keras.Input((3,))
            return inner()

        class Net(keras.Model):
            def __init__(self):
                super().__init__()
                self.dense = keras.layers.Dense(3)

        class Trainer:
            pass
    """
    found = facts(code)
    assert builds(code, "make")
    assert builds(code, "Net")
    assert found.classes == {"Net", "Trainer"}
    assert found.of_keras == {"Net"}
    assert found.has_builds
    assert found.uses_keras
    assert "inner" not in found.scopes


def test_defaults_belong_to_their_function():
    found = facts("def a(): pass\ndef b(x=a): pass\nb()")
    assert found.scopes[MODULE].uses == {"b"}
    assert "a" in found.scopes["b"].uses


def test_imports_are_noted_with_their_dots_and_names():
    found = facts("import a.b\nfrom . import c\nfrom ..d import e\ndef f():\n    import g")
    assert found.scopes[MODULE].imports == ["a.b", ".", ".c", "..d", "..d.e"]
    assert found.scopes["f"].imports == ["g"]
    assert found.exports == {"a": "a", "c": ".c", "e": "..d.e"}


@pytest.mark.parametrize(
    ("call", "required"),
    [
        ('p.add_argument("data")', ["data"]),
        ('p.add_argument("data", nargs="+")', ["data"]),
        ('p.add_argument("data", nargs="?")', []),
        ('p.add_argument("data", default="x")', []),
        ('p.add_argument("-d", "--data", required=True)', ["--data"]),
        ('p.add_argument("--data")', []),
        ("p.add_argument(name)", []),
        ('import click\n@click.argument("data")\ndef f(data): pass', ["data"]),
        ('import click\n@click.option("--data", required=True)\ndef f(data): pass', ["--data"]),
        ('parser.option("data")', []),
    ],
)
def test_arguments_that_a_script_cannot_do_without(call, required):
    found = facts(call)
    assert [name for scope in found.scopes.values() for name in scope.required] == required


def test_what_is_no_python_is_an_error():
    with pytest.raises(SyntaxError):
        read("print 1")
