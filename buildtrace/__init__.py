"""See how a Keras model gets built: every call, weight and edge, on the real Keras."""

__version__ = "0.1.0"
