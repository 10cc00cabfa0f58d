"""The build as one page for a browser."""
