"""Whether any file at all can do harm: mutants of real traces, shown in all ways there are.

`python -m fuzzing 17` in `tests/` tries the one mutant of that seed, and shows how it ends;
`python -m fuzzing 17 --every-way` shows it in all of them.
"""
