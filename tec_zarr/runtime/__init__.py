"""Where networks run: the device, models loaded once a process, and threads that take chunks
together.

It must not know units, nodata, targets or stores.
"""
