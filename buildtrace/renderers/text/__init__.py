"""Lines, tables and pieces of text: what all views are made of."""
