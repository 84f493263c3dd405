import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fingerprintOf } from '../../src/graph/fingerprint.ts'
import { layoutOf } from '../../src/graph/layout.ts'
import type { FingerprintDocument } from '../../src/graph/stage.ts'
import { digestOf } from '../../src/util/digest.ts'
import { stableJson, type Json } from '../../src/util/json.ts'
import { createProject, type Project } from '../e2e/rig.ts'
import { answer, makeRun, picture, stageRecord } from '../support/made-run.ts'
import { ROOT } from '../support/paths.ts'

const page = readFileSync(join(ROOT, 'docs/comparing-runs.md'), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm'))].map((m) => m[1]!)

/** 40 pictures; what the runs of the page say of them. */
const pictures = ['cat', 'dog'].flatMap((label) =>
  Array.from({ length: 20 }, (_, i) => ({
    label,
    i,
    path: `test/${label}/${String(i).padStart(2, '0')}.jpg`,
  })),
)

/** The share of cats, of a picture that is named rightly with so much. */
const cats = (label: string, right: number) =>
  label === 'cat' ? right : Number((1 - right).toFixed(6))

/** Before: five of each class are wrong. After: all are right but one. */
const before1 = ({ label, i, path }: (typeof pictures)[number]) =>
  answer(path, label, cats(label, i < 15 ? 0.82 : (50 - i) / 100))
const after1 = ({ label, i, path }: (typeof pictures)[number]) =>
  answer(path, label, path === 'test/cat/00.jpg' ? 0.09 : cats(label, 0.93 - i / 1000))

/** A result as the store keeps it, so that `diff` can say what a fingerprint is made of. */
function remember(store: string, stage: string, document: FingerprintDocument) {
  const fingerprint = fingerprintOf(document)
  const digest = digestOf(`output of ${fingerprint}`)
  const path = layoutOf(store).result(document.kind, fingerprint)
  mkdirSync(dirname(path), { recursive: true })
  const rest = { format: 1, bytes: 1, seconds: 1, created: '2026-11-24T10:15:00Z' }
  writeFileSync(
    path,
    stableJson({ ...rest, stage, document, fingerprint, digest } as unknown as Json),
  )
  return stageRecord(stage, digest, fingerprint)
}

function makeRuns({ path, store }: Project): void {
  const index = pictures.map(({ path: image, label }) => picture(image, label))
  const made = (
    id: string,
    learningRate: number,
    threads: number,
    accuracy: number,
    loss: number,
    curve: readonly number[],
  ) => {
    const train = { kind: 'train', version: 1, params: { optimizer: { learningRate } }, inputs: {} }
    const trained = remember(store, 'train', train)
    const inputs = { model: trained.digest }
    const judged = remember(store, 'evaluate:test', {
      kind: 'evaluate',
      version: 1,
      params: {},
      inputs,
    })
    makeRun(join(path, 'runs'), {
      name: 'cats',
      id,
      config: {
        name: 'cats',
        seed: 8,
        dataset: { source: { path: '../../../pictures' } },
        baseModel: { name: 'MobileNetV2' },
        head: ['GlobalAveragePooling2D'],
        optimizer: { learningRate },
      },
      index,
      predictions: pictures.map(learningRate === 0.01 ? before1 : after1),
      record: {
        metrics: { test: { accuracy, loss } },
        engine: { name: 'wasm', device: 'cpu', version: '4.22.0', threads },
        epochs: curve.map((value, i) => {
          return { epoch: i + 1, phase: 1, train: {}, validation: { loss: value }, seconds: 1 }
        }),
        stages: [stageRecord('index'), trained, judged],
      },
    })
  }
  made('20261124-101500-8f2c1a', 0.01, 2, 0.75, 0.521, [0.92, 0.68, 0.58, 0.56, 0.55])
  made('20261124-113000-03bd77', 0.001, 4, 0.975, 0.1984, [0.9, 0.64, 0.42, 0.31, 0.22])
}

describe('docs/comparing-runs.md', () => {
  let project: Project
  before(async () => {
    project = await createProject()
    makeRuns(project)
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], {
        cwd: project.path,
        stdio: 'pipe',
      })
    git('init', '--quiet')
    for (const epochs of [3, 4]) {
      mkdirSync(join(project.path, 'pipelines'), { recursive: true })
      const places = {
        dataset: { source: { path: '../pictures' } },
        baseModel: { weights: '../trunk.h5' },
      }
      project.configure({ name: 'cats', ...places, training: { epochs } }, 'pipelines/cats.yaml')
      git('add', 'pipelines')
      git('commit', '--quiet', '-m', `${epochs} epochs`)
    }
  })
  after(() => project[Symbol.asyncDispose]())

  it('shows what `pipeline diff` prints', async () => {
    const { stdout, stderr } = await project.pipeline(['diff'])
    assert.equal(stderr, '')
    assert.equal(stdout, blocks('text')[0])
  })

  it('shows what `pipeline compare cats` prints', async () => {
    const { stdout } = await project.pipeline(['compare', 'cats'])
    assert.equal(stdout, blocks('text')[1])
  })

  const commands = blocks('sh').flatMap((block) => block.trim().split('\n'))
  for (const command of commands) {
    const [line, says] = command.split(/ +# /) as [string, string]
    it(`${line}: ${says}`, async () => {
      const [program, ...words] = line.split(' ')
      assert.equal(program, 'pipeline')
      const { code, stdout, stderr } = await project.pipeline(words)
      assert.equal(code, words.includes('--exit-code') ? 1 : 0, stderr)
      assert.notEqual(stdout, '')
    })
  }
})
