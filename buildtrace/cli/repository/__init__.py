"""`buildtrace check FOLDER…`: many scripts, each in a process of its own, and one report."""
