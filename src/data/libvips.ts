import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { tooLarge } from './bmp.ts'
import type { RowSource } from './row-source.ts'

/**
 * JPEG rows straight from the libvips that sharp brings. sharp's own pipeline costs about a millisecond a picture,
 * whatever its size, mostly for handing tiles between threads; called on this thread, row by row, libvips spends
 * that on decoding. The bytes are the same (a test compares the two), and where the library is not found or lacks
 * a function, everything goes through sharp.
 */
export interface Libvips {
  /** Undefined for what is better left to sharp: grey, CMYK. Throws for damaged headers and above the limit. */
  openJpeg(bytes: Uint8Array, pixelLimit: number): JpegRows | undefined
}

export interface JpegRows extends RowSource {
  /** Decodes what is left, so that a truncated end is found even where no row of it is needed. */
  finish(): void
  /** Frees the decoder; always to be called. */
  close(): void
}

/** VipsFailOn truncated, VipsAccess sequential, VipsBandFormat uchar. */
const TRUNCATED = 1
const SEQUENTIAL = 1
const UCHAR = 0
/** libvips keeps JPEG rows in a cache of this height; asking for more at a time is slower. */
const ROWS = 16

type Pointer = unknown
type Functions = ReturnType<typeof bind>

let opened: Promise<Libvips | undefined> | undefined

/** Undefined where libvips cannot be called directly (Windows, a sharp built against another libvips, no koffi). */
export function openLibvips(): Promise<Libvips | undefined> {
  opened ??= open()
  return opened
}

async function open(): Promise<Libvips | undefined> {
  const path = libvipsFile('binary')
  if (path === undefined) return undefined
  // libvips writes its warnings (stray bytes in a JPEG) to stderr unless told before it starts.
  process.env['VIPS_WARNING'] ??= '1'
  try {
    const { default: koffi } = await import('koffi')
    const vips = bind(koffi.load(path))
    if (vips.init('graft') !== 0) return undefined
    vips.concurrency(1)
    vips.cacheMax(0)
    return { openJpeg: (bytes, pixelLimit) => openJpeg(vips, bytes, pixelLimit) }
  } catch {
    return undefined
  }
}

/** A file of sharp's package for this platform, by its export: `binary` is the library that sharp itself loads. */
function libvipsFile(name: 'binary' | 'versions'): string | undefined {
  const { platform, arch } = process
  const require = createRequire(createRequire(import.meta.url).resolve('sharp'))
  for (const kind of platform === 'linux' ? ['linux', 'linuxmusl'] : [platform]) {
    try {
      return require.resolve(`@img/sharp-libvips-${kind}-${arch}/${name}`)
    } catch {
      // not installed: the next one, or none
    }
  }
  return undefined
}

/**
 * What decoded bytes depend on beyond the params: the decoders' versions and ours. Read from package files,
 * because a plan must not wait for sharp to load.
 */
export function pixelNumerics(): { sharp: string; libvips: string; resampler: number } {
  const sharp = createRequire(import.meta.url).resolve('sharp')
  const versions = libvipsFile('versions')
  return {
    sharp: field(join(dirname(sharp), '..', 'package.json'), 'version'),
    libvips: versions === undefined ? 'of the system' : field(versions, 'vips'),
    resampler: RESAMPLER,
  }
}

/** Raised by hand when fit.ts, resample.ts or the small decoders come to give other bytes. */
const RESAMPLER = 1

function field(path: string, name: string): string {
  return String((JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>)[name])
}

function bind(library: { func(definition: string): (...args: never[]) => unknown }) {
  const bound = <F>(definition: string): F => library.func(definition) as F
  return {
    init: bound<(name: string) => number>('int vips_init(const char *name)'),
    concurrency: bound<(n: number) => void>('void vips_concurrency_set(int n)'),
    cacheMax: bound<(n: number) => void>('void vips_cache_set_max(int n)'),
    error: bound<() => string>('const char *vips_error_buffer()'),
    clearError: bound<() => void>('void vips_error_clear()'),
    load: bound<(bytes: Uint8Array, size: number, out: [Pointer], ...more: unknown[]) => number>(
      'int vips_jpegload_buffer(void *bytes, size_t size, _Out_ void **out, ...)',
    ),
    width: bound<(image: Pointer) => number>('int vips_image_get_width(void *image)'),
    height: bound<(image: Pointer) => number>('int vips_image_get_height(void *image)'),
    bands: bound<(image: Pointer) => number>('int vips_image_get_bands(void *image)'),
    format: bound<(image: Pointer) => number>('int vips_image_get_format(void *image)'),
    regionNew: bound<(image: Pointer) => Pointer>('void *vips_region_new(void *image)'),
    regionImage: bound<(region: Pointer, rect: Int32Array) => number>(
      'int vips_region_image(void *region, int *rect)',
    ),
    prepareTo: bound<
      (from: Pointer, to: Pointer, rect: Int32Array, x: number, y: number) => number
    >('int vips_region_prepare_to(void *from, void *to, int *rect, int x, int y)'),
    imageOver: bound<
      (memory: Uint8Array, size: number, w: number, h: number, bands: number, f: number) => Pointer
    >(
      'void *vips_image_new_from_memory(void *memory, size_t size, int w, int h, int bands, int f)',
    ),
    release: bound<(object: Pointer) => void>('void g_object_unref(void *object)'),
  }
}

function openJpeg(vips: Functions, bytes: Uint8Array, pixelLimit: number): JpegRows | undefined {
  const out: [Pointer] = [null]
  const options = ['const char *', 'fail_on', 'int', TRUNCATED]
  const access = ['const char *', 'access', 'int', SEQUENTIAL]
  // The arguments end with a null pointer in place of the next option's name.
  check(vips, vips.load(bytes, bytes.length, out, ...options, ...access, 'void *', null))
  const [image] = out
  const [width, height] = [vips.width(image), vips.height(image)]
  const wanted = vips.bands(image) === 3 && vips.format(image) === UCHAR
  if (wanted && width * height <= pixelLimit) return jpegRows(vips, image, width, height, bytes)
  vips.release(image)
  if (wanted) throw tooLarge(width, height, pixelLimit)
  return undefined
}

function jpegRows(
  vips: Functions,
  image: Pointer,
  width: number,
  height: number,
  bytes: Uint8Array,
): JpegRows {
  const region = vips.regionNew(image)
  const rect = new Int32Array([0, 0, width, 0])
  let target: Target | undefined
  let next = 0
  const copy = (first: number, count: number, into: Target): void => {
    for (let done = 0; done < count; done += ROWS) {
      rect[1] = first + done
      rect[3] = Math.min(ROWS, count - done)
      check(vips, vips.prepareTo(region, into.region, rect, 0, done))
    }
    next = first + count
  }
  return {
    width,
    height,
    channels: 3,
    read(first, count, into) {
      if (!target?.fits(into, count)) {
        target?.close()
        target = targetOver(vips, into, width, count)
      }
      copy(first, count, target)
    },
    finish() {
      if (next >= height) return
      const rest = targetOver(vips, new Uint8Array(width * 3), width, 1)
      try {
        copy(height - 1, 1, rest)
      } finally {
        rest.close()
      }
    },
    close() {
      target?.close()
      vips.release(region)
      vips.release(image)
      // libvips read from the caller's bytes until here: this keeps them from being collected.
      bytes.at(0)
    },
  }
}

interface Target {
  readonly region: Pointer
  fits(into: Uint8Array, rows: number): boolean
  close(): void
}

/** Our memory as an image that libvips writes to, so that rows are copied once and nothing is allocated. */
function targetOver(vips: Functions, into: Uint8Array, width: number, rows: number): Target {
  const image = vips.imageOver(into, into.length, width, rows, 3, UCHAR)
  const region = vips.regionNew(image)
  const close = (): void => {
    vips.release(region)
    vips.release(image)
  }
  try {
    check(vips, vips.regionImage(region, new Int32Array([0, 0, width, rows])))
  } catch (error) {
    close()
    throw error
  }
  const { buffer, byteOffset } = into
  return {
    region,
    fits: (other, count) =>
      other.buffer === buffer && other.byteOffset === byteOffset && count <= rows,
    close,
  }
}

function check(vips: Functions, status: number): void {
  if (status === 0) return
  const message = vips.error()
  vips.clearError()
  throw new Error(message.trim() || 'libvips failed')
}
