"""IEEE 754 binary16 by numpy: python test/golden/half.py.

`values`: float32 bits and the half that numpy rounds them to. The digests (sha256 of little-endian bytes) are over more than a
file should hold: `floats` over all 65,536 halves as float32; `ties` over the halves of every midpoint between neighbours
and of the float32 right below and above it, positive ones first, then negative; `any` over those of 2^18 float32 of any bits
(x -> 1664525 x + 1013904223 mod 2^32, from 1 on). Every NaN counts as the quiet one of its sign.
"""

import hashlib

import golden
import numpy as np


def halves(bits):
    values = np.asarray(bits, np.uint32).view(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        half = values.astype(np.float16).view(np.uint16)
    return np.where(np.isnan(values), (half & 0x8000) | 0x7E00, half).astype(np.uint16)


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def generated(count):
    bits, x = [], 1
    for _ in range(count):
        bits.append(x)
        x = (1664525 * x + 1013904223) % 2**32
    return bits


all_halves = np.arange(65536, dtype=np.uint16)
floats = all_halves.view(np.float16).astype(np.float32)
bits = floats.view(np.uint32)
bits = np.where(np.isnan(floats), (bits & 0x80000000) | 0x7FC00000, bits).astype(np.uint32)

finite = floats[:0x7C00].astype(np.float64)
middles = ((finite + np.append(finite[1:], 65536.0)) / 2).astype(np.float32).view(np.uint32)
positive = np.stack([middles - 1, middles, middles + 1], axis=1).reshape(-1)
ties = np.concatenate([positive, positive | 0x80000000])

NAMED = {
    "zero": 0x00000000,
    "minus zero": 0x80000000,
    "one": 0x3F800000,
    "a third": 0x3EAAAAAB,
    "the largest": 0x477FE000,
    "below the tie to infinity": 0x477FEFFF,
    "the tie to infinity": 0x477FF000,
    "65536": 0x47800000,
    "the largest float32": 0x7F7FFFFF,
    "infinity": 0x7F800000,
    "minus infinity": 0xFF800000,
    "NaN": 0x7FC00000,
    "minus NaN": 0xFFC00000,
    "a signalling NaN": 0x7F800001,
    "the smallest normal": 0x38800000,
    "below the smallest normal": 0x387FFFFF,
    "the largest subnormal": 0x387FC000,
    "the smallest subnormal": 0x33800000,
    "half of the smallest subnormal, a tie to zero": 0x33000000,
    "just above that tie": 0x33000001,
    "one and a half subnormals, a tie to two": 0x33C00000,
    "two and a half subnormals, a tie to two": 0x34200000,
    "the smallest float32": 0x00000001,
    "a tie down to even": 0x3F801000,
    "a tie up to even": 0x3F803000,
    "a carry into the exponent": 0x3FFFF000,
}

golden.write(
    "half",
    {
        "values": [
            {"name": name, "bits": b, "half": int(halves([b])[0])} for name, b in NAMED.items()
        ],
        "digests": {
            "floats": digest(bits),
            "ties": digest(halves(ties)),
            "any": digest(halves(generated(2**18))),
        },
    },
    np,
)
