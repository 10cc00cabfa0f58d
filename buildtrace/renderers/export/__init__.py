"""Files for the viewers of others."""
