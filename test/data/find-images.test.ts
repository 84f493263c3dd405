import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { commonFolder, findImages, someImages } from '../../src/data/find-images.ts'

describe('pictures by files, folders and patterns', () => {
  let root = ''
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'graft-find-'))
    const files = ['b.jpg', 'a.png', 'notes.txt', '.hidden.jpg', 'cats/1.JPG', 'cats/old/2.webp']
    for (const file of [...files, 'dogs/3.jpeg', 'photo [1].jpg', 'x/readme.md']) {
      mkdirSync(dirname(join(root, file)), { recursive: true })
      writeFileSync(join(root, file), '')
    }
    symlinkSync(join(root, 'cats'), join(root, 'cats/loop'))
  })
  after(() => rmSync(root, { recursive: true }))

  const names = (...paths: string[]) => findImages(paths, root).images.map(({ name }) => name)

  it('a file is taken as it is, a folder with all pictures below it', () => {
    assert.deepEqual(names('notes.txt', 'cats'), ['notes.txt', 'cats/1.JPG', 'cats/old/2.webp'])
    assert.deepEqual(names(join(root, 'dogs/')), [join(root, 'dogs/3.jpeg')])
    assert.deepEqual(names('photo [1].jpg'), ['photo [1].jpg'])
  })

  it('patterns match as in a shell, pictures only', () => {
    assert.deepEqual(names('*'), ['a.png', 'b.jpg', 'photo [1].jpg'])
    assert.deepEqual(names('[!a]*.{jpg,png}'), ['b.jpg', 'photo [1].jpg'])
    assert.deepEqual(names('.*.jpg'), ['.hidden.jpg'])
    assert.deepEqual(names('{cats,dogs}/*'), ['cats/1.JPG', 'dogs/3.jpeg'])
    assert.deepEqual(names('?ats/**/*.webp'), ['cats/old/2.webp'])
    assert.deepEqual(names('./*.png', `${root}/d*/*`), ['./a.png', `${root}/dogs/3.jpeg`])
    assert.deepEqual(names('**/[13].*'), ['cats/1.JPG', 'dogs/3.jpeg'])
  })

  it('none is named twice, and what names none is told', () => {
    const { images, problems } = findImages(
      ['a.png', './a.png', 'x', 'nope.jpg', '*.gif', '[z-a]', 'a.pn'],
      root,
    )
    assert.deepEqual(images, [{ path: join(root, 'a.png'), name: 'a.png' }])
    assert.deepEqual(
      problems.map(({ message }) => message),
      [
        'the folder x holds no pictures',
        'there is no file or folder nope.jpg',
        'no picture matches *.gif',
        'no picture matches [z-a]',
        'there is no file or folder a.pn',
      ],
    )
    assert.equal(problems.at(-1)!.hint, 'did you mean "a.png"?')
  })

  it('links that lead nowhere or in circles, pipes and places below files are told', () => {
    const odd = join(root, 'odd')
    mkdirSync(odd)
    symlinkSync('circle.jpg', join(odd, 'circle.jpg'))
    symlinkSync('nowhere', join(odd, 'dangling.jpg'))
    execFileSync('mkfifo', [join(odd, 'pipe.jpg')])
    symlinkSync('pipe.jpg', join(odd, 'link-to-pipe.jpg'))
    writeFileSync(join(odd, 'real.jpg'), '')
    assert.deepEqual(names('odd/*.jpg'), ['odd/real.jpg'])
    // What a folder holds of them is told when it is read, as in training.
    assert.deepEqual(names('odd'), ['odd/circle.jpg', 'odd/dangling.jpg', 'odd/real.jpg'])
    const named = ['circle.jpg', 'dangling.jpg', 'pipe.jpg', 'link-to-pipe.jpg', 'real.jpg/x.jpg']
    const { images, problems } = findImages([...named, '-', 'a'.repeat(300)], odd)
    assert.deepEqual(images, [])
    assert.deepEqual(
      problems.map(({ message }) => message),
      [
        'circle.jpg is a link that leads nowhere',
        'dangling.jpg is a link that leads nowhere',
        'pipe.jpg is neither a file nor a folder',
        'link-to-pipe.jpg is neither a file nor a folder',
        'there is no file or folder real.jpg/x.jpg',
        '- is neither a file nor a folder',
        `there is no file or folder ${'a'.repeat(300)}`,
      ],
    )
  })

  it('where nothing is found all that is wrong is told at once', () => {
    assert.throws(() => someImages(findImages(['nope.jpg', '*.gif'], root)), {
      name: 'PipelineError',
      message: 'USAGE there is no file or folder nope.jpg\nUSAGE no picture matches *.gif',
    })
    assert.doesNotThrow(() => someImages(findImages(['nope.jpg', 'a.png'], root)))
  })

  it('the deepest folder that holds them all', () => {
    assert.equal(commonFolder(['/p/a/1.jpg', '/p/a/b/2.jpg']), '/p/a')
    assert.equal(commonFolder(['/p/a/1.jpg', '/p/ab/2.jpg']), '/p')
    assert.equal(commonFolder(['/1.jpg', '/p/2.jpg']), '/')
  })
})
