import { test } from 'node:test'
import { locateTensorflow, type TensorflowLocation } from '../../src/engines/tensorflow/locate.ts'

/**
 * The libtensorflow that native tests run on. Where there is none this says on stderr that they did not run, or fails
 * if GRAFT_REQUIRE_NATIVE=1 (as in CI): a test is never left out in silence.
 */
export function whereTensorflow(what: string): TensorflowLocation | undefined {
  const location = locateTensorflow()
  if (location) return location
  const message = `NOT RUN, no libtensorflow: ${what} (\`pipeline engine install\` brings one)`
  process.stderr.write(`${message}\n`)
  test(message, () => {
    if (process.env.GRAFT_REQUIRE_NATIVE === '1') throw new Error(message)
  })
  return undefined
}
