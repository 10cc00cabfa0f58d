"""Whether any file at all can do harm: mutants of real traces, each shown in every way there is.

`python -m fuzzing 17` in `tests/` tries the one mutant of that seed, and shows how it ends.
"""
