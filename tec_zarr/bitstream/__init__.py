"""Named sections to bytes and back: the container of one chunk. Standard library only.

It must not know what a section means. Format version 3, *stable*; docs/format.md has it in full.
Integers are big-endian; `varint` is LEB128 of at most 5 bytes, `zigzag` a signed one.

    magic            4 bytes   b"TECZ"
    version          u8        3
    header length    varint    bytes from here to the header's CRC, not counting it
    weights          8 bytes   the first of the weights' SHA-256; zeros without a network
    model            u8 + n    length and ASCII name of the model; empty without a network
    dtype            u8        index into `header.DTYPES`
    quality          f32       1 to 100
    scale            f64       reflectance a DN; only where dtype is a float
    offset_dn        zigzag    of integers: DN + offset_dn is what is coded
    nodata           u8 + n    0: none; else 1 + n, and the value's bytes as the dtype lays them
                               out, without the zeros at their end
    shape            4 varints time, band, y, x
    band selection   u8 + n    0: the model's own bands; else as many indices into them as there are
                               bands
    parts            u8        bit 1: a bound that is the same for all bands follows; bit 2: a bound
                               a band; bit 3: target
    bounds           u8 + f64  base and step of the residual (see `header.Base`)
    target           u8 + f64  0 psnr, 1 rmse, 2 bppb, 3 ratio, 128 more where it was missed; the
                               value asked for
    order            varint    0: a section a date, in the order of dates; else 1 + number of
                               sections, the value of dates without one as the dtype lays it out,
                               and a varint a section, its date
    directory        for each section: varint 2 * length + (1: a key section), u32 CRC-32
    CRC              u32       CRC-32 of everything before
    sections         one after the other, to the end

    section = u8 kind | … (see `frame`)
"""
