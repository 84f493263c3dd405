import { markup, type Part } from '../report/html.ts'
import { INDEX_PATH } from './paths.ts'
import { makePage, type MadePage } from './shell.ts'

/** A page that says why there is no other, and what to do. */
export function plainPage(title: string, says: Part): MadePage {
  return makePage({
    title,
    description: title,
    header: markup`<header><h1>${title}</h1><p class="remark">${says}</p></header>`,
    sections: [],
    footer: markup`<a href="${INDEX_PATH}">To the list of runs</a>`,
    trail: [],
    pages: [],
  })
}
