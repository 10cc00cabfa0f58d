"""Where buildtrace meets other tools; each module is imported by its tool, and by nobody else."""
