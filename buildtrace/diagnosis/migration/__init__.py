"""What Keras 3 does without, or takes otherwise than Keras 2: one table, used in two ways.

`table.py` has the rows. `raised_changes.py` finds the row that an exception speaks of, and
`reading.py` all the places in a script that rows are about, before anything runs.
"""
