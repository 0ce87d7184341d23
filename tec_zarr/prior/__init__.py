"""Rows of a date's symbols, given what a decoder has before it reads them: the temporal prior.

It knows channels, earlier dates and a network. It must not know files, bytes, DN, or where
weights come from.
"""
