import { openTensorflow } from '../../src/engines/tensorflow/open.ts'
import { contractSuite } from './contract.ts'
import { whereTensorflow } from '../support/tensorflow.ts'

if (whereTensorflow('the contract of tensorflow')) {
  contractSuite('tensorflow', () => openTensorflow({ device: 'cpu' }))
}
