import assert from 'node:assert/strict'
import { it } from 'node:test'
import { blobId } from '../../src/util/digest.ts'

it("a text's blob id is what `git hash-object` says", () => {
  // Of git 2.39.5: printf TEXT | git hash-object --stdin
  const known: Readonly<Record<string, string>> = {
    '': 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391',
    'hello\n': 'ce013625030ba8dba906f756967f9e9ca394464a',
    'name: Äpfel 🍎\n': '075a4d19971b97720dee349bee3e06bf772d0cee',
  }
  for (const [text, id] of Object.entries(known)) assert.equal(blobId(text), id)
})
