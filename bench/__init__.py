"""Benchmarks: of every kernel, and of training steps side by side with other libraries.  See README.md."""
