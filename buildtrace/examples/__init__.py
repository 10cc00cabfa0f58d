"""Small models to look at: `buildtrace -m buildtrace.examples.mnist_mlp`."""
