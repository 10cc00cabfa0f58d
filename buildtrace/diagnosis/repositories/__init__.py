"""Which files of a project build models: read from their source, without running them."""
