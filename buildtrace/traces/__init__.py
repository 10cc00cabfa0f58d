"""What one run recorded, as plain data, and every question that one can ask of it."""
