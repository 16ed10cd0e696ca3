"""Generates the clips of `--dataset embedded`: words spoken by espeak-ng, recorded in simulated rooms."""
