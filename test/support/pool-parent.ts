import { openPool } from '../../src/engines/wasm/pool.ts'
import { childrenOf } from './processes.ts'
import { slowProgram } from './slow-program.ts'

/** A program with a pool: prints its processes' ids, then computes on, or with `leave` just ends. */
const pool = await openPool(slowProgram(), 2)
console.log(JSON.stringify(await childrenOf(process.pid)))
if (process.argv[2] !== 'leave') for (;;) await pool.run('infer', {})
