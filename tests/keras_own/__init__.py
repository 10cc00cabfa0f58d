"""Keras' own tests, untraced and traced, compared test by test: `cd tests && python -m keras_own`.

`modules` names the test modules, `arms` runs them under pytest in processes of their own,
`plugin` traces and takes notes in there, `notes` is what it notes, `compare` finds what differs.
"""
