import type { Command, CommandArgument, CommandOption } from './command.ts'

const FILE: CommandArgument = { name: 'file', description: 'a pipeline file' }
const JSON_OUT: CommandOption = { flags: '--json', description: 'one JSON document on stdout' }
const SET: CommandOption = {
  flags: '--set <a.b=value>',
  description: 'change a key; "+a.b=value" adds one, "~a.b" deletes it',
  many: true,
}
const STORE: CommandOption = {
  flags: '--store <folder>',
  description:
    'where artifacts are kept (default: GRAFT_STORE, else graft/store in the cache folder)',
}
const TABLES: readonly CommandOption[] = [
  JSON_OUT,
  { flags: '--md', description: 'tables as Markdown' },
  { flags: '--csv', description: 'tables as CSV' },
]

/** Every command, in the order of help. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'init',
    summary: 'write a commented pipeline file for a folder of pictures',
    arguments: [
      { name: 'file', description: 'the file to write (default: FOLDER.yaml)', optional: true },
    ],
    options: [
      {
        flags: '--from <folder>',
        description: 'the folder: its classes, sizes and splits are looked at',
      },
      { flags: '--force', description: 'overwrite the file' },
    ],
    examples: [
      ['pipeline init --from photos', 'photos.yaml, for a folder with one sub-folder a class'],
      ['pipeline init birds.yaml --from data/birds', 'the same, with a name of your own'],
      ['pipeline init birds.yaml', 'the folder is left to the variable PICTURES'],
    ],
    load: () => import('./init.ts'),
  },
  {
    name: 'validate',
    summary: 'tell all problems of pipeline files; nothing runs',
    arguments: [{ ...FILE, name: 'files', description: 'pipeline files', many: true }],
    options: [{ flags: '--strict', description: 'warnings fail too' }, SET, JSON_OUT],
    examples: [
      ['pipeline validate cats-and-dogs.yaml', 'positions and hints of all that is wrong'],
      [
        'pipeline validate pipelines/*.yaml --strict',
        'in CI; on GitHub each problem shows at its line',
      ],
      ['pipeline validate a.yaml --set training.epochs=3', 'with a change'],
    ],
    load: () => import('./validate.ts'),
  },
  {
    name: 'config',
    summary: 'print a pipeline file resolved: defaults filled, short forms written out',
    arguments: [FILE],
    options: [{ flags: '--origin', description: 'say where each value comes from' }, SET, JSON_OUT],
    examples: [
      ['pipeline config cats-and-dogs.yaml', 'all keys, as a file that stands beside it'],
      ['pipeline config cats-and-dogs.yaml --origin', 'with file:line of each value'],
      [
        'pipeline config a.yaml --set optimizer=SGD --json',
        'what a change would do, for a program',
      ],
    ],
    load: () => import('./config.ts'),
  },
  {
    name: 'store',
    summary: 'what is kept of earlier runs: list, tidy, check',
    arguments: [{ name: 'action', description: 'what to do', choices: ['ls', 'gc', 'verify'] }],
    options: [
      { flags: '--max-size <bytes>', description: 'gc: how much may stay (default: its bound)' },
      { flags: '--all-work', description: 'gc: unfinished work goes too, however young' },
      STORE,
      ...TABLES,
    ],
    examples: [
      ['pipeline store ls', 'artifacts and unfinished work, the most recently used first'],
      ['pipeline store ls --csv > store.csv', 'the same for a spreadsheet'],
      ['pipeline store gc --max-size 20GB', 'the least recently used go until 20 GB are left'],
      ['pipeline store gc --all-work', 'checkpoints and partial downloads go too'],
      ['pipeline store verify', 'hashes every byte; what is damaged is set aside'],
    ],
    load: () => import('./store.ts'),
  },
  {
    name: 'models',
    summary: 'list the base models, or the layers of one',
    arguments: [{ name: 'name', description: 'a base model', optional: true }],
    options: [
      {
        flags: '--freeze <policy>',
        description:
          'what a policy freezes: all, none, first:N, upTo:LAYER, layers:GLOBS, except:GLOBS',
      },
      { flags: '--top', description: 'with the classifier of ImageNet' },
      { flags: '--alpha <number>', description: 'width, where the family has it' },
      { flags: '--size <pixels>', description: 'height and width of the pictures' },
      {
        flags: '--pooling <kind>',
        description: 'global pooling after the trunk',
        choices: ['none', 'avg', 'max'],
      },
      ...TABLES,
    ],
    examples: [
      ['pipeline models', 'names, sizes, parameters, preprocessing'],
      ['pipeline models MobileNetV2', "its layers in Keras' order"],
      ['pipeline models NASNetMobile --freeze first:600', 'what stays trainable'],
    ],
    load: () => import('./models.ts'),
  },
  {
    name: 'schema',
    summary: 'print the JSON Schema of pipeline files, for editors',
    arguments: [],
    options: [],
    examples: [['pipeline schema > pipeline.schema.json', "then name it in a file's first line"]],
    load: () => import('./schema.ts'),
  },
]
