"""Models and scripts that are as they should be: no rule may find a fault in them.

Each is written as experienced users write it, and does what they do with it: build, train, save
and load. A function with the mark `@sound(...)` in a module of this package is one of them.
"""
