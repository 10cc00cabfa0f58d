"""How buildtrace-core is made of buildtrace: the same files, and the same metadata but TensorFlow.

It is a wheel only. The folder beside this one is needed for it, which buildtrace's own sdist has.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LEFT_OUT = {"tensorflow", "tf-keras"}
"""What buildtrace depends on and buildtrace-core does not."""


class SameMetadata(MetadataHookInterface):
    """Takes all that is dynamic here from the project in the folder above."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in the fields that are declared dynamic."""
        text = Path(self.root).parent.joinpath("pyproject.toml").read_text(encoding="utf-8")
        project = tomllib.loads(text)["project"]
        for field in metadata["dynamic"]:
            if field in project:  # the version is dynamic there as well
                metadata[field] = project[field]
        metadata["dependencies"] = [
            dependency
            for dependency in project["dependencies"]
            if canonicalize_name(Requirement(dependency).name) not in LEFT_OUT
        ]


class SameFiles(BuildHookInterface[Any]):
    """Puts the package of the folder above into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files that are added.

        Args:
            version: "standard", or "editable" for a link to the sources.
            build_data: what the wheel gets besides.

        Raises:
            ValueError: an sdist is to be made, which would lack that folder.
        """
        if self.target_name != "wheel":
            raise ValueError("buildtrace-core is a wheel only: python -m build --wheel core")
        if version != "editable":
            package = Path(self.root).parent / "buildtrace"
            build_data["force_include"][str(package)] = "buildtrace"
