"""Clouds out of cubes: masks, what other dates tell, and the temporal prior on top.

It must not know stores.
"""
