"""The checkpoints that were published with the paper: which there are, how to get them and to
convert them.

It must not know how latents are coded.
"""
