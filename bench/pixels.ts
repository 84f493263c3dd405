import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createPictureMaker, type PixelParams } from '../src/data/picture.ts'
import type { PillowMethod } from '../src/data/resample-filters.ts'

/**
 * CPU time (user and system) of decoding and resizing a picture, ours against Pillow's, in alternating rounds:
 *
 *     GRAFT_BENCH_PYTHON=python3 node dist/bench/pixels.js FOLDER [ROUNDS] [METHOD] [SIZE]
 *
 * FOLDER: any JPEGs below it. Pillow: `Image.open(f).convert('RGB').resize((SIZE, SIZE), METHOD)`.
 */
const [folder, rounds = '5', method = 'bilinear', side = '224'] = process.argv.slice(2)
const python = process.env['GRAFT_BENCH_PYTHON']
if (folder === undefined || python === undefined) {
  throw new Error('usage: GRAFT_BENCH_PYTHON=python3 node dist/bench/pixels.js FOLDER [ROUNDS]')
}
const size = Number(side)
const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
const files = names.filter((name) => /\.jpe?g$/i.test(name)).map((name) => join(folder, name))

const PILLOW = `
import json, resource, sys
import PIL
from PIL import Image
files, method, size = json.loads(sys.stdin.read())
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
def one(file):
    return Image.open(file).convert('RGB').resize((size, size), getattr(Image, method.upper()))
for file in files[:20]: one(file)
start = cpu()
for file in files: one(file)
print(json.dumps({'ms': (cpu() - start) * 1000 / len(files), 'version': PIL.__version__}))
`

function pillow(): { ms: number; version: string } {
  const input = JSON.stringify([files, method, size])
  return JSON.parse(execFileSync(python!, ['-c', PILLOW], { input, encoding: 'utf8' })) as {
    ms: number
    version: string
  }
}

const params: PixelParams = {
  imageSize: [size, size],
  resize: method as PillowMethod,
  fit: 'stretch',
  colorMode: 'rgb',
  transparency: 'drop',
  exif: false,
}
const into = new Uint8Array(size * size * 3)
const makers = {
  direct: await createPictureMaker(params, true),
  sharp: await createPictureMaker(params, false),
}

async function ours(how: keyof typeof makers): Promise<number> {
  const make = async (file: string) => makers[how].make(readFileSync(file), file, into)
  for (const file of files.slice(0, 20)) await make(file)
  const start = process.cpuUsage()
  for (const file of files) await make(file)
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000 / files.length
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1]!

const direct: number[] = []
const sharp: number[] = []
const theirs: number[] = []
let version = ''
for (let round = 0; round < Number(rounds); round += 1) {
  direct.push(await ours('direct'))
  const found = pillow()
  theirs.push(found.ms)
  version = found.version
  sharp.push(await ours('sharp'))
}
const show = (values: readonly number[]): string =>
  `${median(values).toFixed(3)} ms (${values.map((v) => v.toFixed(2)).join(' ')})`
const ratio = (values: readonly number[]): string =>
  median(values.map((v, i) => v / theirs[i]!)).toFixed(2)
console.log(`${files.length} JPEGs, decode + ${method} to ${size}, CPU time a picture, medians`)
console.log(`ours, libvips called directly  ${show(direct)}  ${ratio(direct)} x Pillow`)
console.log(`ours, through sharp            ${show(sharp)}  ${ratio(sharp)} x Pillow`)
console.log(`Pillow ${version.padEnd(24)}${show(theirs)}`)
