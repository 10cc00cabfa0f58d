"""What a build takes: bytes by variable, layer, block and device, of a trace alone."""
