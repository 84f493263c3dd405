import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseHTML } from 'linkedom'
import { escapeHtml, markup, trusted } from '../../src/report/html.ts'
import { HOSTILE } from './reports.ts'

interface Parsed {
  readonly document: {
    querySelector(selector: string): {
      readonly textContent: string
      readonly children: { readonly length: number }
      getAttribute(name: string): string
    }
  }
}

describe('a template of HTML', () => {
  it('escapes text, joins lists, and writes nothing for what is not there', () => {
    const rows = ['a & b', '<i>'].map((text) => markup`<li>${text}</li>`)
    const made = markup`<ul class="${'x"y'}">${rows}${undefined}${false}${0}</ul>`
    assert.equal(made.text, '<ul class="x&quot;y"><li>a &amp; b</li><li>&lt;i&gt;</li>0</ul>')
  })

  it('takes as HTML only what was made as HTML', () => {
    const forged = { text: '<script>' } as unknown as string
    assert.equal(markup`${forged}`.text, '[object Object]')
    assert.equal(markup`${trusted('<b>')}`.text, '<b>')
  })

  it('leaves no text that a page may not have', () => {
    assert.equal(escapeHtml('a\u0000b\u001bc\ud800d\udc00e\u009ff'), 'a�b�c�d�e�f')
    assert.equal(escapeHtml('line\nand\ttab 😀'), 'line\nand\ttab 😀')
  })

  for (const name of HOSTILE) {
    it(`makes text of ${JSON.stringify(name)}, in an element and in an attribute`, () => {
      const { text } = markup`<p title="${name}">${name}</p>`
      const { document } = parseHTML(`<body>${text}</body>`) as unknown as Parsed
      const p = document.querySelector('p')
      const expected = name.replace(/[\u0000\ud800]/g, '\ufffd')
      assert.equal(p.textContent, expected)
      assert.equal(p.getAttribute('title'), expected)
      assert.equal(p.children.length, 0)
    })
  }

  it('has no markup of whatever is put in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.doesNotMatch(escapeHtml(text), /[<>"'\u0000]|&(?!amp;|lt;|gt;|quot;|#39;)/)
      }),
    )
  })
})
