import { openWebgpu } from '../../src/engines/webgpu/engine.ts'
import { whereWebgpu } from '../support/webgpu.ts'
import { contractSuite } from './contract.ts'

if (await whereWebgpu('the contract of webgpu')) contractSuite('webgpu', () => openWebgpu())
