import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { create } from 'tar'
import { archiveKind, unpackArchive } from '../../../src/data/archives/unpack.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { tarBytes, zipBytes } from '../../support/archives.ts'
import { writeTree } from '../../support/pictures.ts'
import { temporaryFolder } from '../../support/stage-rig.ts'
import type { UnpackOptions } from '../../../src/data/archives/unpack.ts'

const signal = new AbortController().signal

/** Unpacks the bytes and reads back every file: path -> content. */
async function unpack(bytes: Uint8Array, options: Partial<UnpackOptions> = {}) {
  await using folder = await temporaryFolder()
  const archive = join(folder.path, 'archive')
  const out = join(folder.path, 'out')
  await writeFile(archive, bytes)
  await unpackArchive(archive, out, { signal, name: 'set.zip', ...options })
  const files: Record<string, string> = {}
  for (const entry of await readdir(out, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile()) continue
    files[path.slice(out.length + 1).replaceAll(sep, '/')] = await readFile(path, 'latin1')
  }
  return files
}

/** The one diagnostic of an archive that must be refused; nothing of it may lie outside of the folder. */
async function refusal(bytes: Uint8Array, options: Partial<UnpackOptions> = {}): Promise<string> {
  try {
    await unpack(bytes, options)
  } catch (error) {
    assert.ok(error instanceof PipelineError, String(error))
    assert.equal(error.diagnostics.length, 1)
    assert.ok(error.diagnostics[0]!.hint !== undefined)
    return error.message
  }
  assert.fail('it was unpacked')
}

test('zip: folders, empty files, Unicode names, large entries; droppings are left out', async () => {
  const large = Buffer.alloc(3 * 2 ** 20, 'picture ')
  const files = await unpack(
    zipBytes([
      { name: 'set/', mode: 0o040755 },
      { name: 'set/é 1.png', data: 'one' },
      { name: 'set/stored.png', data: 'two', stored: true },
      { name: 'set/empty.png' },
      { name: 'set/dos.png', data: 'three', mode: 0 },
      { name: 'large.bin', data: large },
      { name: '__MACOSX/set/._1.png', data: 'x' },
      { name: 'set/.DS_Store', data: 'x' },
      { name: 'set/._é 1.png', data: 'x' },
    ]),
  )
  assert.deepEqual(Object.keys(files).sort(), [
    'large.bin',
    'set/dos.png',
    'set/empty.png',
    'set/stored.png',
    'set/é 1.png',
  ])
  assert.equal(files['set/é 1.png'], 'one')
  assert.equal(files['set/stored.png'], 'two')
  assert.equal(files['large.bin'], large.toString('latin1'))
})

test('tar: what GNU, POSIX and gzip write', async () => {
  await using folder = await temporaryFolder()
  const long = `${'deep/'.repeat(40)}é.png`
  await writeTree(folder.path, {
    'in/a.png': 'one',
    [`in/${long}`]: 'two',
    'in/big': 'x'.repeat(2e6),
  })
  for (const gzip of [false, true]) {
    const file = join(folder.path, `t${String(gzip)}`)
    await create({ file, gzip, cwd: join(folder.path, 'in') }, ['.'])
    const files = await unpack(await readFile(file))
    assert.deepEqual(Object.keys(files).sort(), ['a.png', 'big', long])
    assert.equal(files[long], 'two')
    assert.equal(files['big']!.length, 2e6)
  }
  const strip = { strip: 1 }
  const npm = tarBytes([
    { name: 'package/', type: '5' },
    { name: 'package/a/b.png', data: 'x' },
  ])
  assert.deepEqual(await unpack(npm, strip), { 'a/b.png': 'x' })
  const old = tarBytes([{ name: 'old.png', data: 'x' }])
  old.fill(0, 257, 265)
  const sum = old.subarray(0, 512).reduce((a, b, i) => a + (i >= 148 && i < 156 ? 32 : b), 0)
  old.write(`${sum.toString(8).padStart(6, '0')}\x00 `, 148)
  assert.deepEqual(await unpack(old), { 'old.png': 'x' })
})

test('names that lead out, or that a file system takes for another, are refused in zip and tar', async () => {
  const cases: [string[], RegExp][] = [
    [['../out.png'], /"\.\.\/out\.png" leads out/],
    [['a/../../out.png'], /leads out/],
    [['..\\out.png'], /leads out/],
    [['a/..'], /leads out/],
    [['/etc/passwd'], /absolute/],
    [['C:/x.png'], /absolute/],
    [['\\\\host\\x.png'], /absolute/],
    [[`${'n'.repeat(90)}/${'long/'.repeat(1)}${'é'.repeat(150)}`], /255 bytes|cannot be read/],
    [['Cat.png', 'cat.png'], /"cat\.png" clashes with "Cat\.png"/],
    [['A/x.png', 'a/y.png'], /clashes/],
    [['caf\u00e9.png', 'cafe\u0301.png'], /clashes/],
    [['a.png', 'a.png'], /there twice/],
    [['a', 'a/b.png'], /there twice/],
    [['a/b.png', 'a'], /there twice/],
    [['__MACOSX/../../x.png'], /leads out/],
  ]
  for (const [names, message] of cases) {
    const entries = names.map((name) => ({ name, data: 'x' }))
    const zip = await refusal(zipBytes(entries))
    assert.match(zip, message, names.join())
    assert.match(zip, /^UNSAFE_ARCHIVE/)
    if (names.every((name) => Buffer.byteLength(name) <= 100)) {
      const tar = await refusal(tarBytes(entries))
      assert.match(tar, message, names.join())
      assert.match(tar, /^UNSAFE_ARCHIVE/)
    }
  }
  assert.match(await refusal(zipBytes([{ name: 'a\0b.png' }])), /NUL|cannot be read/)
})

test('links and devices are refused', async () => {
  const zip = (mode: number) => refusal(zipBytes([{ name: 'l', data: '/etc/passwd', mode }]))
  assert.equal(await zip(0o120777), 'UNSAFE_ARCHIVE archive entry "l" is a link')
  assert.match(await zip(0o020644), /no file and no folder/)
  assert.match(await zip(0o010644), /no file and no folder/)
  const tar = (type: string) =>
    refusal(tarBytes([{ name: 'l', type, link: type < '3' ? '/etc/passwd' : '' }]))
  assert.equal(await tar('2'), 'UNSAFE_ARCHIVE archive entry "l" is a link')
  assert.equal(await tar('1'), 'UNSAFE_ARCHIVE archive entry "l" is a link')
  assert.match(await tar('3'), /CharacterDevice/)
  assert.match(await tar('6'), /FIFO/)
})

test('bombs are stopped while they unpack, whatever size they claim', async () => {
  const limits = { ratioFloor: 100_000 }
  const zeros = Buffer.alloc(2e6)
  const bomb = /"bomb" makes more than \d+ bytes of \d+/
  assert.match(await refusal(zipBytes([{ name: 'bomb', data: zeros }]), { limits }), bomb)
  const tgz = gzipSync(tarBytes([{ name: 'bomb', data: zeros }]))
  assert.match(await refusal(tgz, { limits }), bomb)
  const headers = gzipSync(tarBytes(Array.from({ length: 2000 }, () => ({ name: 'd', type: '5' }))))
  assert.match(
    await refusal(headers, { limits: { ratioFloor: 100_000, ratio: 2 } }),
    /"d" makes more than/,
  )
  const many = zipBytes([{ name: 'a' }, { name: 'b' }, { name: 'c' }])
  assert.match(await refusal(many, { limits: { entries: 2 } }), /"c" is one of more than 2/)
  assert.match(
    await refusal(zipBytes([{ name: 'a', data: 'xxxx', stored: true }]), { limits: { bytes: 3 } }),
    /makes more than 3 bytes/,
  )
})

test('sizes and checksums that lie are found', async () => {
  const large = Buffer.alloc(2 ** 21, 'ab')
  for (const data of ['small', large]) {
    const lie = async (more: object) => refusal(zipBytes([{ name: 'a.png', data, ...more }]))
    for (const more of [
      { size: 2 },
      { size: data.length + 3 },
      { size: data.length - 1 },
      { crc: 7 },
    ]) {
      const message = await lie(more)
      assert.match(message, /^BAD_ARCHIVE zip entry "a\.png" cannot be read: /)
    }
    assert.match(await lie({ method: 9 }), /compression method 9/)
    assert.match(await lie({ flags: 1 }), /encrypted/)
  }
})

test('a cut archive is found', async () => {
  const zip = zipBytes([{ name: 'a.png', data: 'x'.repeat(4000), stored: true }])
  assert.match(await refusal(zip.subarray(0, -30)), /^BAD_ARCHIVE the zip archive cannot be read/)
  const tar = tarBytes([{ name: 'a.png', data: 'x'.repeat(4000) }])
  assert.match(await refusal(tar.subarray(0, 2000)), /^BAD_ARCHIVE the tar archive cannot be read/)
  const tgz = gzipSync(tar)
  assert.match(await refusal(tgz.subarray(0, -9)), /^BAD_ARCHIVE the tar archive cannot be read/)
  const wrong = Buffer.from(tar)
  wrong[20]! ^= 1
  assert.match(await refusal(wrong), /^BAD_ARCHIVE/)
})

test('what is no archive says what it is', async () => {
  const cases: [string | Buffer, RegExp][] = [
    ['', /set\.zip is an empty file/],
    ['<!DOCTYPE html>', /is a web page/],
    ['BZh91AY', /a bzip2 file/],
    [Buffer.from('fd377a585a0000', 'hex'), /an xz file/],
    ['hello', /begins with 68656c6c/],
  ]
  for (const [bytes, message] of cases) assert.match(await refusal(Buffer.from(bytes)), message)
  assert.match(await refusal(zipBytes([])), /set\.zip holds no files/)
  assert.match(await refusal(zipBytes([{ name: 'a/' }])), /set\.zip holds no files/)
})

test('an abort ends it with its reason', async () => {
  const reason = new Error('stop')
  for (const bytes of [
    zipBytes([{ name: 'a', data: 'x' }]),
    tarBytes([{ name: 'a', data: 'x' }]),
  ]) {
    await assert.rejects(unpack(bytes, { signal: AbortSignal.abort(reason) }), reason)
  }
})

test('no damage makes it hang, crash or write elsewhere', async () => {
  const zip = zipBytes([
    { name: 'a/b.png', data: 'hello hello hello' },
    { name: 'c.png', data: 'x', stored: true },
  ])
  const tar = tarBytes([
    { name: 'a/b.png', data: 'hello' },
    { name: 'c.png', data: 'x' },
  ])
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(zip, tar, gzipSync(tar)), edits, async (bytes, list) => {
      const damaged = Buffer.from(bytes)
      for (const [at, value] of list) damaged[at % damaged.length] = value
      await unpack(damaged).catch((error: unknown) => {
        assert.ok(error instanceof PipelineError, String(error))
      })
    }),
    { numRuns: 300 },
  )
})

test('kinds are known by their bytes', async () => {
  await using folder = await temporaryFolder()
  const kind = async (bytes: Uint8Array) => {
    await writeFile(join(folder.path, 'x'), bytes)
    return archiveKind(join(folder.path, 'x'))
  }
  assert.equal(await kind(zipBytes([{ name: 'a' }])), 'zip')
  assert.equal(await kind(tarBytes([{ name: 'a' }])), 'tar')
  assert.equal(await kind(gzipSync('x')), 'tar.gz')
  assert.equal(await kind(Buffer.from('x')), undefined)
})
