"""Writes test/fixtures/images/* and test/golden/images.json: what Pillow makes of each file.

Ran on Python 3.11, Pillow 13.0.0 (libjpeg-turbo 3.2.0, libwebp 1.6.0, libtiff 4.7.2), numpy 2.
Run from the repository root: python test/golden/images.py
jpeg-ultrahdr.jpg (a JPEG with a gain map) is not made here: it is jpeg-420.jpg through libvips 8.18.7's
vips_colourspace to scRGB and vips_uhdrsave.
"""

import hashlib
import io
import json
import os
import struct

import numpy as np
from PIL import Image, ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo

OUT = "test/fixtures/images"
os.makedirs(OUT, exist_ok=True)
rng = np.random.default_rng(7)


def scene(height, width, channels=3):
    """A smooth scene with a few edges and a little noise, so that every decoder step matters."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [
        127 + 100 * np.sin(x / (7 + c)) * np.cos(y / (11 - c)) + 40 * ((x // 9 + y // 7) % 2)
        for c in range(channels)
    ]
    array = np.stack(planes, axis=-1) + rng.normal(0, 6, (height, width, channels))
    return np.clip(array, 0, 255).astype(np.uint8)


RGB = Image.fromarray(scene(61, 83))
GREY = Image.fromarray(scene(37, 41, 1)[..., 0])
ALPHA = Image.fromarray(scene(37, 41, 4), "RGBA")
WIDE16 = rng.integers(0, 65536, (13, 17), dtype=np.uint16)


def save(name, image, **options):
    image.save(os.path.join(OUT, name), **options)


def write(name, data):
    with open(os.path.join(OUT, name), "wb") as file:
        file.write(data)


def png(width, height, depth, colour, rows, extra=b"", interlace=0):
    """A PNG from raw scan lines: for the forms that Pillow does not write."""
    import zlib

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def png_chunk(kind, body):
    import zlib

    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


# JPEG
for subsampling, name in [(0, "444"), (1, "422"), (2, "420")]:
    save(f"jpeg-{name}.jpg", RGB, quality=88, subsampling=subsampling)
save("jpeg-progressive.jpg", RGB, quality=80, progressive=True)
save("jpeg-grey.jpg", GREY, quality=85)
save("jpeg-rgb.jpg", RGB, quality=90, keep_rgb=True)
save("jpeg-cmyk.jpg", Image.fromarray(scene(37, 41, 4), "CMYK"), quality=90)
save("jpeg-odd-1x1.jpg", Image.new("RGB", (1, 1), (200, 30, 60)))
save("jpeg-wide.jpg", Image.fromarray(scene(2, 900)), quality=85)
save("jpeg-restart.jpg", RGB, quality=85, restart_marker_rows=1)
swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
swapped = swapped[:24] + bytes(12) + swapped[36:]  # without its time of making
# a profile with the red and green primaries exchanged: whoever honours it shows it
swapped = swapped.replace(b"rXYZ", b"tXYZ", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"tXYZ", b"gXYZ", 1)
save("jpeg-icc.jpg", RGB, quality=88, icc_profile=swapped)
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[274] = orientation
    save(f"jpeg-exif-{orientation}.jpg", RGB.crop((0, 0, 24, 17)), quality=90, exif=exif)
with open(os.path.join(OUT, "jpeg-420.jpg"), "rb") as file:
    write("jpeg-trailing.jpg", file.read() + b"trailing bytes after the end of image")
# PNG
save("png-rgb.png", RGB)
save("png-grey.png", GREY)
save("png-1bit.png", GREY.convert("1"))
save("png-palette.png", RGB.quantize(64))
save("png-palette-4.png", RGB.quantize(11), bits=4)
transparent = RGB.quantize(16)
save("png-palette-trns.png", transparent, transparency=3)
save("png-palette-trns-many.png", transparent, transparency=bytes(range(0, 256, 16)))
save("png-rgba.png", ALPHA)
save("png-la.png", ALPHA.convert("LA"))
save("png-grey16.png", Image.fromarray(WIDE16))
save("png-icc.png", RGB, icc_profile=swapped)
exif = Image.Exif()
exif[274] = 6
save("png-exif-6.png", RGB.crop((0, 0, 24, 17)), exif=exif)
wide = rng.integers(0, 65536, (13, 17, 4), dtype=np.uint16)
write("png-rgb16.png", png(17, 13, 16, 2, [row[:, :3].astype(">u2").tobytes() for row in wide]))
write("png-rgba16.png", png(17, 13, 16, 6, [row.astype(">u2").tobytes() for row in wide]))
write("png-la16.png", png(17, 13, 16, 4, [row[:, :2].astype(">u2").tobytes() for row in wide]))
bits = rng.integers(0, 256, (13, 9), dtype=np.uint8)
write("png-grey2.png", png(35, 13, 2, 0, [row.tobytes() for row in bits]))
write("png-grey4.png", png(17, 13, 4, 0, [row.tobytes() for row in bits]))
write("png-grey-trns.png", png(9, 13, 8, 0, [row.tobytes() for row in bits], png_chunk(b"tRNS", struct.pack(">H", int(bits[3, 4])))))
small = scene(13, 17)
key = struct.pack(">HHH", *[int(v) for v in small[5, 5]])
write("png-rgb-trns.png", png(17, 13, 8, 2, [row.tobytes() for row in small], png_chunk(b"tRNS", key)))
write("png-gamma.png", png(17, 13, 8, 2, [row.tobytes() for row in small], png_chunk(b"gAMA", struct.pack(">I", 30000))))
# WebP
save("webp-lossy.webp", RGB, quality=80)
save("webp-lossless.webp", RGB, lossless=True)
save("webp-rgba.webp", ALPHA, lossless=True, exact=True)
save("webp-rgba-lossy.webp", ALPHA, quality=80, exact=True)
save("webp-animated.webp", RGB, save_all=True, append_images=[RGB.transpose(0)], lossless=True)
# GIF
save("gif.gif", RGB.quantize(200))
save("gif-grey.gif", GREY)
save("gif-interlaced.gif", RGB.quantize(32), interlace=1)
save("gif-transparent.gif", RGB.quantize(16), transparency=2)
save("gif-animated.gif", RGB.quantize(16), save_all=True, append_images=[RGB.transpose(0).quantize(16)])


def gif(screen, frame, background, transparent, minimum=2):
    """A GIF whose one frame (left, top, width, height) is smaller than its screen; literal LZW codes."""
    left, top, width, height = frame
    palette = bytes([10, 20, 30, 200, 100, 50, 60, 220, 90, 250, 240, 230])
    out = b"GIF89a" + struct.pack("<HHBBB", *screen, 0xF1, background, 0) + palette
    if transparent is not None:
        out += b"\x21\xf9\x04" + struct.pack("<BHBB", 1, 0, transparent, 0)
    out += b"\x2c" + struct.pack("<HHHHB", left, top, width, height, 0)
    codes = []
    for i in range(width * height):
        codes += [4, (i * 7 // 3) % 4]
    codes.append(5)
    value = sum(code << (3 * i) for i, code in enumerate(codes))
    data = value.to_bytes((3 * len(codes) + 7) // 8, "little")
    blocks = b"".join(bytes([len(data[i : i + 255])]) + data[i : i + 255] for i in range(0, len(data), 255))
    return out + bytes([minimum]) + blocks + b"\0\x3b"


write("gif-small-frame.gif", gif((9, 7), (2, 1, 5, 4), 1, None))
write("gif-small-frame-transparent.gif", gif((9, 7), (2, 1, 5, 4), 1, 2))
# TIFF
save("tiff-rgb.tif", RGB.crop((0, 0, 24, 17)))
save("tiff-lzw.tif", RGB, compression="tiff_lzw")
save("tiff-deflate.tif", RGB, compression="tiff_adobe_deflate")
save("tiff-jpeg.tif", RGB, compression="jpeg", quality=88)
save("tiff-grey.tif", GREY)
save("tiff-1bit.tif", GREY.convert("1"), compression="group4")
save("tiff-palette.tif", RGB.quantize(32))
save("tiff-rgba.tif", ALPHA)
save("tiff-cmyk.tif", Image.fromarray(scene(13, 17, 4), "CMYK"))
save("tiff-grey16.tif", Image.fromarray(WIDE16))
save("tiff-orientation-6.tif", RGB.crop((0, 0, 24, 17)), tiffinfo={274: 6})
# BMP
save("bmp-24.bmp", RGB)
save("bmp-grey.bmp", GREY)
save("bmp-1.bmp", GREY.convert("1"))
save("bmp-8.bmp", RGB.quantize(77))
save("bmp-32.bmp", ALPHA)


def bmp(width, height, depth, rows, palette=b"", compression=0):
    """A BMP from raw rows (padded here) with a 40-byte header; a negative height is top-down."""
    body = b"".join(row + b"\0" * (-len(row) % 4) for row in rows)
    offset = 54 + len(palette)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, depth, compression, len(body), 2835, 2835, len(palette) // 4, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset) + head + palette + body


colours = b"".join(bytes([i * 16, 255 - i * 15, (i * 70) % 256, 0]) for i in range(16))
write("bmp-4.bmp", bmp(17, 13, 4, [row.tobytes() for row in bits], colours))
write("bmp-top-down.bmp", bmp(17, -13, 24, [row.tobytes() for row in small]))
write("bmp-rgb32.bmp", bmp(17, 13, 32, [row.tobytes() for row in wide.astype(np.uint8)]))
write("bmp-rle8.bmp", bmp(4, 1, 8, [b"\x04\x01\x00\x01"], colours, 1))


def forms(path):
    image = Image.open(path)
    image.load()
    turned = ImageOps.exif_transpose(image)
    alpha = image.has_transparency_data
    if image.mode == "I;16":
        # Pillow clips 16-bit grey at 255; Graft takes the high byte, as Pillow does for 16-bit RGB.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        turned = image
    white = image.convert("RGB")
    if alpha:
        rgba = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(rgba, mask=rgba.getchannel("A"))
    made = {
        "rgb": image.convert("RGB"),
        "rgbWhite": white,
        "grey": image.convert("L"),
        "greyWhite": white.convert("L"),
        "exif": turned.convert("RGB"),
    }
    return {
        "size": list(image.size),
        **{form: hashlib.sha256(made[form].tobytes()).hexdigest() for form in made},
        "exifSize": list(turned.size),
    }


REFUSED = {"bmp-rle8.bmp"}
golden = {}
for name in sorted(os.listdir(OUT)):
    if name not in REFUSED:
        golden[name] = forms(os.path.join(OUT, name))
with open("test/golden/images.json", "w") as file:
    json.dump({"made": "Pillow " + Image.__version__, "files": golden}, file, indent=1, sort_keys=True)
    file.write("\n")
print(len(golden), "files", sum(os.path.getsize(os.path.join(OUT, f)) for f in os.listdir(OUT)))
