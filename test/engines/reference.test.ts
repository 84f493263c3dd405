import { openReference } from '../support/reference-engine.ts'
import { contractSuite } from './contract.ts'

contractSuite('the reference interpreter', openReference)
