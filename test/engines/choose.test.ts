import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { chooseEngine, type EngineRequest } from '../../src/engines/choose.ts'
import type { Engine, EngineInfo, EngineName } from '../../src/engines/engine.ts'
import type { EngineRow } from '../../src/engines/table.ts'
import {
  exitCode,
  failure,
  PipelineError,
  type Diagnostic,
  type DiagnosticCode,
} from '../../src/util/diagnostic.ts'

const folder = await mkdtemp(join(tmpdir(), 'graft-choose-'))
after(() => rm(folder, { recursive: true }))

async function problem(work: Promise<unknown>): Promise<PipelineError> {
  const error: unknown = await work.then(
    () => assert.fail('it should have failed'),
    (e: unknown) => e,
  )
  assert.ok(error instanceof PipelineError, String(error))
  return error
}

/** A device, or why there is none; `loads`: only opening it tells. */
interface Fake {
  readonly on?: string
  readonly fails?: DiagnosticCode
  readonly loads?: boolean
}

/** A machine made up, and what was opened and closed on it. */
function machine(fakes: Partial<Record<EngineName, Fake>>, hasGpu = true) {
  const log: string[] = []
  const row = (name: EngineName): EngineRow => {
    const { on, fails, loads } = fakes[name] ?? {}
    const info = (device = on): EngineInfo => {
      const code = fails ?? (on === undefined ? 'ENGINE_MISSING' : undefined)
      if (code) throw failure(code, `no ${name}`)
      if (device?.startsWith('gpu') && !on!.startsWith('gpu')) {
        throw failure('ENGINE_MISSING', `${name} has no ${device}`)
      }
      return { name, device: device === 'cpu' ? 'cpu' : on!, version: '1', threads: 1 }
    }
    return {
      name,
      describe: name,
      available: () => Promise.resolve({ ready: fakes[name] !== undefined, detail: '' }),
      // async: what they throw must be a rejection.
      info: async (options) => (loads ? undefined : info(options.device)),
      open: async ({ device }) => {
        const told = info(device)
        log.push(`open ${name}`)
        const close = () => Promise.resolve(void log.push(`close ${name}`))
        return { info: told, close } as unknown as Engine
      },
    }
  }
  const engines = (['tensorflow', 'webgpu', 'wasm'] as const).map(row)
  const notes: Diagnostic[] = []
  return {
    log,
    notes,
    choose: async (request: Partial<EngineRequest> = {}) => {
      const note = (d: Diagnostic) => notes.push(d)
      const whole = { name: 'auto', ...request } as const
      return chooseEngine(whole, { note, machine: { engines, hasGpu } })
    },
  }
}

const wasm = { on: 'cpu' }

describe('auto', () => {
  const ORDER: Readonly<Record<string, [Parameters<typeof machine>, string]>> = {
    'tensorflow on a GPU first': [
      [{ tensorflow: { on: 'gpu', loads: true }, webgpu: { on: 'gpu' }, wasm }],
      'tensorflow on gpu',
    ],
    'webgpu before tensorflow on the CPU': [
      [{ tensorflow: { on: 'cpu' }, webgpu: { on: 'gpu' }, wasm }],
      'webgpu on gpu',
    ],
    'a software adapter never': [
      [{ tensorflow: { on: 'cpu' }, webgpu: { on: 'cpu' }, wasm }],
      'tensorflow on cpu',
    ],
    'webgpu without tensorflow': [[{ webgpu: { on: 'gpu' }, wasm }], 'webgpu on gpu'],
    'tensorflow on the CPU': [[{ tensorflow: { on: 'cpu' }, wasm }], 'tensorflow on cpu'],
    'wasm where there is nothing else': [[{ webgpu: { on: 'cpu' }, wasm }], 'wasm on cpu'],
    'no adapter is asked for on a machine without a GPU': [
      [{ webgpu: { on: 'gpu' }, wasm }, false],
      'wasm on cpu',
    ],
  }
  for (const [name, [given, want]] of Object.entries(ORDER)) {
    test(name, async () => {
      const { choose, notes } = machine(...given)
      const { info } = await choose()
      assert.equal(`${info.name} on ${info.device}`, want)
      assert.deepEqual(notes, [])
    })
  }

  test('opens nothing where files tell enough, and closes what it opened in vain', async () => {
    const told = machine({ tensorflow: { on: 'cpu' }, wasm })
    await told.choose()
    assert.deepEqual(told.log, [])
    const loaded = machine({
      tensorflow: { on: 'cpu', loads: true },
      webgpu: { on: 'gpu' },
      wasm,
    })
    await loaded.choose()
    assert.deepEqual(loaded.log, ['open tensorflow', 'close tensorflow'])
  })

  test('a CPU or a GPU that is asked for is what comes', async () => {
    const both = machine({ tensorflow: { on: 'cpu' }, webgpu: { on: 'gpu' }, wasm })
    assert.equal((await both.choose({ device: 'cpu' })).info.name, 'tensorflow')
    assert.equal((await both.choose({ device: 'gpu' })).info.name, 'webgpu')
    const none = machine({ tensorflow: { on: 'cpu' }, webgpu: { on: 'cpu' }, wasm })
    const missing = await problem(none.choose({ device: 'gpu' }))
    assert.deepEqual(
      missing.diagnostics.map((d) => d.message),
      ['tensorflow has no gpu', 'webgpu has no gpu'],
    )
  })

  test('mixed precision is for tensorflow alone, and what it lacks is told', async () => {
    const mixed = { precision: 'mixed' } as const
    const both = machine({ tensorflow: { on: 'cpu' }, webgpu: { on: 'gpu' }, wasm })
    assert.equal((await both.choose(mixed)).info.name, 'tensorflow')
    const refusing = machine({ tensorflow: { fails: 'ENGINE_MISSING' }, wasm })
    assert.match((await problem(refusing.choose(mixed))).message, /no tensorflow/)
  })

  test('says so when an engine is there and broken', async () => {
    const broken = { fails: 'ENGINE_FAILED' } as const
    const { choose, notes } = machine({ tensorflow: broken, webgpu: broken, wasm })
    assert.equal((await choose()).info.name, 'wasm')
    assert.deepEqual(
      notes.map((d) => d.message),
      [
        'the tensorflow engine does not work here, taking wasm: no tensorflow',
        'the webgpu engine does not work here, taking wasm: no webgpu',
      ],
    )
  })
})

describe('on this machine', () => {
  /** With the engines folder and the variable as given. */
  async function where<T>(libtensorflow: string, work: () => Promise<T>): Promise<T> {
    const names = ['GRAFT_LIBTENSORFLOW', 'GRAFT_ENGINES'] as const
    const old = names.map((name) => process.env[name])
    process.env.GRAFT_LIBTENSORFLOW = libtensorflow
    process.env.GRAFT_ENGINES = join(folder, 'none')
    try {
      return await work()
    } finally {
      names.forEach((name, i) => {
        if (old[i] === undefined) delete process.env[name]
        else process.env[name] = old[i]
      })
    }
  }

  test('auto says so when a libtensorflow is there and broken', async () => {
    for (const name of ['libtensorflow_framework', 'libtensorflow_cc']) {
      const suffix = process.platform === 'darwin' ? '.2.dylib' : '.so.2'
      await writeFile(join(folder, name + suffix), 'not a library')
    }
    const notes: Diagnostic[] = []
    const { info } = await where(folder, () =>
      chooseEngine({ name: 'auto', device: 'cpu' }, { note: (d) => notes.push(d) }),
    )
    assert.equal(info.name, 'wasm')
    assert.equal(notes.length, 1)
    assert.match(notes[0]!.message, /^the tensorflow engine does not work here, taking wasm: /)
  })

  test('a missing engine or device asked for by name is an error with the cure', async () => {
    const nowhere = join(folder, 'nowhere')
    const missing = await where(nowhere, () => problem(chooseEngine({ name: 'tensorflow' })))
    assert.equal(missing.diagnostics[0]!.code, 'ENGINE_MISSING')
    assert.equal(exitCode(missing), 3)
    const gpu = await problem(chooseEngine({ name: 'wasm', device: 'gpu' }).then((c) => c.open()))
    assert.equal(gpu.diagnostics[0]!.code, 'ENGINE_MISSING')
    assert.match(gpu.diagnostics[0]!.hint!, /pipeline engine install --cuda/)
  })
})
