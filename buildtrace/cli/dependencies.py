"""The packages that buildtrace works with, and those that it cannot do without."""

PACKAGES = {
    "Keras": ("tensorflow", "keras", "tf_keras"),
    "other backends": ("jax", "torch"),
    "for the report": ("rich", "msgspec", "jinja2"),
    "for diagrams": ("graphviz", "pygraphviz", "psutil"),
    "for saved models": ("h5py",),
    "for the shell": ("shtab",),
}
"""What to look for, by what it is for."""

NEEDED = ("keras", "shtab", *PACKAGES["for the report"], *PACKAGES["for diagrams"])
"""Those without which it does not work as a whole."""
