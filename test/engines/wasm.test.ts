import { openWasm } from '../../src/engines/wasm/engine.ts'
import { contractSuite } from './contract.ts'

contractSuite('wasm', () => openWasm())
