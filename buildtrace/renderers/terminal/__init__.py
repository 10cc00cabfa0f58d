"""The views of a trace in a terminal, and two builds side by side."""
