import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { zipBytes } from '../support/archives.ts'
import { pipelineCommand } from '../support/command.ts'
import { TRUSTING, sendFile, serve } from '../support/https-server.ts'
import { pngBytes, pngChunk, writeTree } from '../support/pictures.ts'
import { temporaryFolder } from '../support/stage-rig.ts'
import type { Handler } from '../support/https-server.ts'

type Tree = Readonly<Record<string, string | number | Uint8Array>>

const GOOD: Tree = {
  'train/cat/1.png': 1,
  'train/dog/2.png': 2,
  'test/cat/3.png': 3,
  'test/dog/4.png': 4,
}

/**
 * Runs a pipeline over the source in a project of its own. What a person reads comes back: all of stderr but the
 * lines of stages that went well, the project written as ~ and the port of the server as zeros.
 */
async function run(source: string, photos: Tree = {}, environment: Record<string, string> = {}) {
  await using folder = await temporaryFolder()
  const project = join(folder.path, 'project')
  await mkdir(project)
  await writeTree(join(project, 'photos'), photos)
  const lines = [
    'name: bad',
    datasetLine(source),
    'preprocessing: {mode: tf}',
    'baseModel: {name: MobileNetV2, weights: none, pooling: avg, alpha: 0.35}',
    'head: [{Dense: {units: classes, activation: softmax}}]',
    'training: {epochs: 1}',
    'engine: wasm',
  ]
  await writeFile(join(project, 'bad.yaml'), `${lines.join('\n')}\n`)
  const store = join(folder.path, 'store')
  const result = await pipelineCommand(['run', 'bad.yaml'], project, {
    GRAFT_STORE: store,
    ...TRUSTING,
    ...environment,
  })
  const seen = result.stderr
    .split('\n')
    .filter((line) => !line.startsWith('✓'))
    .join('\n')
    .replaceAll(project, '~')
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:00000')
    .replace(/\^+/g, '^')
  const locked = (await readdir(project)).includes('pipeline.lock')
  return { code: result.code, seen, stdout: result.stdout, locked }
}

function datasetLine(source: string): string {
  return `dataset: {source: ${source}, splits: {train: train, test: test}, imageSize: [32, 32]}`
}

/** A message at the word, with its lines of the pipeline file, before the hint. */
function at(word: RegExp, message: string, source = '{path: photos}'): string {
  const line = datasetLine(source)
  const col = line.search(word) + 1
  const shown = line.length > 120 ? `${line.slice(0, 117)}...` : line
  return [
    `bad.yaml:2:${col} ${message}`,
    '  1 | name: bad',
    `> 2 | ${shown}`,
    ...(col > 120 ? [] : [`    | ${' '.repeat(col - 1)}^`]),
    '  3 | preprocessing: {mode: tf}',
    '',
  ].join('\n')
}

async function runFrom(handler: Handler, more = '') {
  await using server = await serve(handler)
  return await run(`{url: "${server.url('/set.zip')}"${more}}`)
}

const folders: [string, Tree, string][] = [
  [
    'a missing folder',
    { 'trian/cat/1.png': 1, 'test/cat/2.png': 2 },
    `${at(/train, /, 'NO_SUCH_FOLDER dataset.splits.train: no folder ~/photos/train')}  hint: did you mean "trian"? in ~/photos there are: test, trian
`,
  ],
  [
    'an empty class',
    { ...GOOD, 'train/bird/readme.txt': '' },
    `✗ index  failed
${at(/splits/, 'EMPTY_CLASS class "bird" has no pictures in any split')}  hint: put pictures there, remove the folder, or name the classes to use in dataset.classes
`,
  ],
  [
    'one class only',
    { 'train/cat/1.png': 1, 'test/cat/2.png': 2 },
    `✗ index  failed
${at(/splits/, 'ONE_CLASS there is only one class, "cat"')}  hint: a classifier needs two; check dataset.root and dataset.splits: each folder in a split is a class
`,
  ],
  [
    'a truncated picture and a web page',
    {
      ...GOOD,
      'train/cat/cut.jpg': Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'),
      'train/dog/page.jpg': '<!DOCTYPE html><title>404</title>',
    },
    `✗ index  failed
BAD_IMAGE train/cat/cut.jpg: truncated: the file ends before the picture

BAD_IMAGE train/dog/page.jpg: an HTML page
  hint: repair or remove them, or leave them out with dataset.badImages: {skip: 2}
`,
  ],
  [
    'a picture of 16,000 x 16,000 pixels',
    { ...GOOD, 'test/cat/bomb.png': hugePng() },
    `✗ index  failed
BAD_IMAGE test/cat/bomb.png: 16000 x 16000 pixels, more than 100 million
  hint: repair or remove it, or leave it out with dataset.badImages: {skip: 1}
`,
  ],
]

function hugePng(): Buffer {
  const png = pngBytes(1)
  const header = Buffer.from(png.subarray(16, 29))
  header.writeUInt32BE(16000, 0)
  header.writeUInt32BE(16000, 4)
  pngChunk('IHDR', header).copy(png, 8)
  return png
}

for (const [name, tree, seen] of folders) {
  test(name, async () => {
    const result = await run('{path: photos}', tree)
    assert.deepEqual([result.code, result.seen, result.stdout], [1, seen, ''])
  })
}

const archives: [string, Parameters<typeof zipBytes>[0], string][] = [
  [
    'a zip that leads out of its folder',
    [{ name: '../out.png', data: 'x' }],
    'archive entry "../out.png" leads out of the archive',
  ],
  [
    'a zip with a link',
    [{ name: 'train/l', data: '/etc/passwd', mode: 0o120777 }],
    'archive entry "train/l" is a link',
  ],
  [
    'a bomb',
    [{ name: 'train/cat/bomb.png', data: Buffer.alloc(80 * 2 ** 20) }],
    'archive entry "train/cat/bomb.png" makes more than 67108864 bytes of SIZE',
  ],
]

for (const [name, entries, message] of archives) {
  test(name, async () => {
    const zip = zipBytes(entries)
    const result = await runFrom((request, response) => sendFile(request, response, zip))
    const seen = `✗ unpack:data  failed
UNSAFE_ARCHIVE ${message.replace('SIZE', String(zip.length))}
  hint: nothing of it was kept; do not use an archive that you cannot trust
`
    assert.deepEqual([result.code, result.seen, result.locked], [1, seen, true])
  })
}

test('a wrong sha256', async () => {
  const zip = zipBytes([{ name: 'a', data: 'x' }])
  const wrong = 'a'.repeat(64)
  const result = await runFrom((q, s) => sendFile(q, s, zip), `, sha256: ${wrong}`)
  const source = `{url: "https://127.0.0.1:00000/set.zip", sha256: ${wrong}}`
  const got = /got sha256:([0-9a-f]{64})/.exec(result.seen)?.[1]
  const seen = `✗ download:data  failed
${at(/a{64}/, `DIGEST_MISMATCH https://127.0.0.1:00000/set.zip has other bytes: got sha256:${got}, the pipeline says sha256:${wrong}`, source)}  hint: the file at the source has changed, or was changed on the way; if the new one is right, write sha256: ${got}
`
  assert.deepEqual([result.code, result.seen, result.locked], [1, seen, false])
})

test('a download that is dropped again and again', async () => {
  const bytes = Buffer.alloc(100_000)
  const result = await runFrom((q, s) => sendFile(q, s, bytes, { dropAfter: 100 }))
  const seen = `✗ download:data  failed
${at(/"https/, 'DOWNLOAD_FAILED https://127.0.0.1:00000/set.zip: the connection was dropped, after 5 tries', '{url: "https://127.0.0.1:00000/set.zip"}')}  hint: run again to go on where it stopped; behind a proxy set HTTPS_PROXY; or use {path: …}
`
  assert.deepEqual([result.code, result.seen, result.locked], [1, seen, false])
})

test('no pip', async () => {
  const result = await run('{pypi: "tiny==1.0"}', {}, { PATH: '/nowhere' })
  const seen = `✗ download:data  failed
TOOL_MISSING pip is needed to fetch a package of PyPI, and was not found
  hint: install Python with pip (any version), or download the wheel elsewhere and give it with {path: …}
`
  assert.deepEqual([result.code, result.seen], [3, seen])
})
