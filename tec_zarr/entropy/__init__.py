"""Symbols and rows of tables to bits, and back.

Here are the distribution, its tables and the grid of rows, rANS, the adaptive coder, and the
planes of the lossless coder. It must not know what a symbol means, nor torch.
"""
