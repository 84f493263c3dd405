import type { Engine } from '../../src/engines/engine.ts'
import { openTensorflow } from '../../src/engines/tensorflow/open.ts'
import { openWasm } from '../../src/engines/wasm/engine.ts'
import { whereTensorflow } from './tensorflow.ts'

export interface TestEngine {
  readonly name: string
  readonly open: () => Promise<Engine>
}

/** The engines that this machine can run `what` on; of a native one that is missing the reporter hears. */
export function testEngines(what: string): readonly TestEngine[] {
  const native = whereTensorflow(`${what} on tensorflow`)
  return [
    { name: 'wasm', open: () => openWasm() },
    ...(native ? [{ name: 'tensorflow', open: () => openTensorflow({ device: 'cpu' }) }] : []),
  ]
}
