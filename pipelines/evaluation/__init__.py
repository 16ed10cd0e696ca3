"""Score models, with confidence intervals, latency and plots."""
