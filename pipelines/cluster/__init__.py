"""Processes that train one network together: where they are, how they meet, and how they sum gradients."""
