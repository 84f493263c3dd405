import type { Engine } from '../../src/engines/engine.ts'
import { locateTensorflow } from '../../src/engines/tensorflow/locate.ts'
import { openTensorflow } from '../../src/engines/tensorflow/open.ts'

/** The engines that this machine can test on. */
export const TEST_ENGINES: readonly {
  readonly name: string
  readonly open: () => Promise<Engine>
}[] = [...(locateTensorflow() ? [{ name: 'tensorflow', open: () => openTensorflow() }] : [])]
