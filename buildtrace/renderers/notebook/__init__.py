"""What a notebook shows of a trace."""
