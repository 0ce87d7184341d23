"""The checkpoints published with the TerraCodec paper (arXiv 2510.12670), as configurations of this package's models."""
