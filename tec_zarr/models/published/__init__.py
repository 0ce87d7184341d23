"""The codecs of the TerraCodec paper (arXiv 2510.12670): their networks, and what codes their
latents.

They run the published checkpoints, and the prior that fills clouds.
It must not know chunks, settings or stores.
"""
