import pytest
from layouts import layouts_are_kept

__all__ = ["layouts_are_kept"]  # a fixture


@pytest.fixture(autouse=True)
def one_layout_of_each_picture(layouts_are_kept):
    """For all tests of pages."""
