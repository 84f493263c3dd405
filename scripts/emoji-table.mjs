// Writes pipelines/emoji.csv, the table of the quick start, from emoji.json of the npm package emoji-datasource-google.
// Run: node scripts/emoji-table.mjs FOLDER_OF_THE_UNPACKED_PACKAGE
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Categories of emoji.json that a picture shows without knowing the code: their names here. */
const LABELS = {
  'Animals & Nature': 'animals',
  'Food & Drink': 'food',
  Objects: 'objects',
  'People & Body': 'people',
  'Smileys & Emotion': 'faces',
  'Travel & Places': 'places',
}
/** Pictures of one class at most, so that no class outweighs the others. */
const MOST = 160

const folder = process.argv[2]
const digest = (text) => createHash('sha256').update(text).digest('hex')
const emoji = JSON.parse(readFileSync(join(folder, 'emoji.json'), 'utf8'))
const rows = Object.entries(LABELS).flatMap(([category, label]) =>
  emoji
    .filter((e) => e.has_img_google && e.category === category)
    .map((e) => ({ image: `64/${e.image}`, label, order: digest(e.image) }))
    .sort((a, b) => (a.order < b.order ? -1 : 1))
    .slice(0, MOST)
    .map((row, i) => ({ ...row, split: i % 5 === 4 ? 'test' : 'train' })),
)
rows.sort((a, b) => (a.image < b.image ? -1 : 1))
const text = rows.map(({ image, label, split }) => `${image},${label},${split}\n`).join('')
writeFileSync(new URL('../pipelines/emoji.csv', import.meta.url), `image,label,split\n${text}`)
