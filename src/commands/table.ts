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

const RUN: CommandArgument = {
  name: 'run',
  description: 'an id, a prefix, name@latest, @-1, @best:validation.accuracy, a folder',
}
const RUNS: CommandOption = {
  flags: '--runs <dir>',
  description: 'where runs are (default: GRAFT_RUNS, else ./runs)',
}
const SWEEP: CommandOption = {
  flags: '--sweep <a.b=v,w>',
  description: 'a trial for each of these values, added to those of the file',
  many: true,
}
const TENSORBOARD: CommandOption = {
  flags: '--tensorboard',
  description: 'also write the epochs for TensorBoard, into the run folder',
}
const ONLY: CommandOption = {
  flags: '--only <which>',
  description: 'of a sweep: the trials that have failed',
  choices: ['failed'],
}
/** Of commands that look at the stages of a file. */
const STAGE_OPTIONS: readonly CommandOption[] = [
  {
    flags: '--engine <name>',
    description: "auto, tensorflow, webgpu or wasm, in place of the file's",
  },
  {
    flags: '--features <when>',
    description: "whether what leaves frozen layers is kept, in place of the file's",
    choices: ['auto', 'always', 'never'],
  },
  { flags: '--force <stage>', description: 'compute this stage or kind again', many: true },
  { flags: '--no-cache', description: 'compute everything again' },
  {
    flags: '--jobs <n>',
    description:
      'stages side by side (default: cores, at most 4); of a sweep trials (default: GPUs, at least 1)',
  },
  { flags: '--offline', description: 'fetch nothing: what is not there is an error' },
  STORE,
]

/** Of `sweep submit`; what a worker is given. */
const SUBMIT_OPTIONS: readonly CommandOption[] = [
  { flags: '--slurm', description: 'submit: an array of workers, by sbatch' },
  { flags: '--k8s', description: 'submit: print an Indexed Job of workers for Kubernetes' },
  { flags: '--dry-run', description: 'submit: print what would be submitted, and do nothing' },
  { flags: '--workers <n>', description: 'submit: so many (default: one a trial that is open)' },
  { flags: '--jobs <n>', description: 'submit: so many workers at a time' },
  { flags: '--time <limit>', description: 'submit: of each worker, as Slurm writes it: 4:00:00' },
  { flags: '--partition <name>', description: 'submit: where Slurm is to run them' },
  { flags: '--gpus <n>', description: 'submit: of each worker; Slurm takes a100:1 too' },
  { flags: '--cpus <n>', description: 'submit: cores of each worker' },
  { flags: '--mem <size>', description: 'submit: memory of each worker: 16G (Kubernetes: 16Gi)' },
  { flags: '--sbatch <option>', description: "submit: one more: '--account=lab'", many: true },
  { flags: '--image <name>', description: 'submit: of --k8s, with this program in it' },
  { flags: '--claim <name>', description: 'submit: of --k8s, the volume with this folder in it' },
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
    options: [
      {
        flags: '--strict',
        description: 'warnings fail too, and the pictures are looked at if they are here',
      },
      SET,
      JSON_OUT,
    ],
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
    name: 'plan',
    summary: 'tell what a run would do and why; nothing is executed',
    arguments: [FILE],
    options: [
      SET,
      ...STAGE_OPTIONS,
      SWEEP,
      { flags: '--save <file>', description: 'of a sweep: write its trials there, as CSV' },
      RUNS,
      ...TABLES,
    ],
    examples: [
      ['pipeline plan cats-and-dogs.yaml', 'stages in order, cached or not, with bytes'],
      ['pipeline plan sweep-cats.yaml --save trials.csv', 'what the trials of a sweep share'],
      ['pipeline plan a.yaml --set training.epochs=10', 'what a change would run'],
    ],
    load: () => import('./plan.ts'),
  },
  {
    name: 'run',
    summary: 'execute what is missing and print the result',
    arguments: [FILE],
    options: [
      SET,
      ...STAGE_OPTIONS,
      { flags: '--name <name>', description: "the folder under runs/, in place of the file's" },
      SWEEP,
      ONLY,
      { flags: '--restart', description: 'unfinished work is begun anew' },
      TENSORBOARD,
      { flags: '--dry-run', description: 'as `pipeline plan`' },
      { flags: '--save <file>', description: 'of a sweep, with --dry-run: write its trials there' },
      {
        flags: '--log <style>',
        description: 'auto: live on a terminal; plain: lines; json: events, one a line',
        choices: ['auto', 'plain', 'json'],
      },
      { flags: '--verbose', description: "also the engine's own log lines" },
      RUNS,
      JSON_OUT,
    ],
    examples: [
      ['pipeline run pipelines/quickstart.yaml', 'a first run, in about a minute'],
      ['pipeline run a.yaml --set training.epochs=10', 'a change; only what it reaches runs'],
      ['pipeline run a.yaml --engine wasm --json', 'on that engine, the result for a program'],
      ['pipeline run a.yaml --force train', 'train again'],
    ],
    load: () => import('./run.ts'),
  },
  {
    name: 'why',
    summary: 'for each stage HIT or MISS, and the value that changed',
    arguments: [
      FILE,
      { name: 'stage', description: 'one stage, or all of a kind', optional: true },
    ],
    options: [SET, ...STAGE_OPTIONS, ...TABLES],
    examples: [
      ['pipeline why cats-and-dogs.yaml', 'all stages'],
      ['pipeline why cats-and-dogs.yaml train', 'why the training runs again'],
    ],
    load: () => import('./why.ts'),
  },
  {
    name: 'ls',
    summary: 'list runs, newest first',
    arguments: [
      {
        name: 'names',
        description: 'only runs of these names, or patterns of names',
        optional: true,
        many: true,
      },
    ],
    options: [
      {
        flags: '--filter <expression>',
        description:
          'only runs that fit, as in "accuracy > 0.9 and tag = best"; again: all must fit',
        many: true,
      },
      { flags: '--sort <column>', description: 'by this column, the least first; -COLUMN: last' },
      {
        flags: '--columns <names>',
        description: 'these, with commas between; "+a,b" puts them behind the usual ones',
      },
      { flags: '--only-changed', description: 'settings and columns that differ between the runs' },
      { flags: '--limit <n>', description: 'at most so many' },
      { flags: '--trash', description: 'what `pipeline rm` took away' },
      RUNS,
      ...TABLES,
    ],
    examples: [
      ['pipeline ls', 'all runs below runs/'],
      ['pipeline ls --filter "accuracy > 0.9" --sort -accuracy', 'the good ones, the best first'],
      ['pipeline ls "fruits*" --only-changed', 'what was tried, and what it came to'],
      ['pipeline ls --columns id,started,validation.loss,optimizer.learningRate', 'of your own'],
      ['pipeline ls quickstart --csv > runs.csv', 'those of one pipeline, for a spreadsheet'],
    ],
    load: () => import('./ls.ts'),
  },
  {
    name: 'show',
    summary: 'one run: figures, epochs, stages',
    arguments: [RUN],
    options: [RUNS, ...TABLES],
    examples: [
      ['pipeline show quickstart@latest', 'the newest of that name'],
      ['pipeline show @best:test.accuracy --json', 'the best of all, for a program'],
    ],
    load: () => import('./show.ts'),
  },
  {
    name: 'report',
    summary: 'write a page about a run, a sweep or two runs: one HTML file that needs nothing else',
    arguments: [
      {
        name: 'run',
        description:
          'an id, a prefix, name@latest, @-1, @best:validation.accuracy, a folder; or a sweep: its file or its name',
      },
      {
        name: 'other',
        description:
          'a second one: the page is about what differs; either may be a file, as in diff',
        optional: true,
      },
    ],
    options: [
      {
        flags: '--out <file>',
        description: 'the file to write (default: report.html in the folder of the run or sweep)',
      },
      RUNS,
      STORE,
      JSON_OUT,
    ],
    examples: [
      ['pipeline report quickstart@latest', 'runs/quickstart/…/report.html, for a browser'],
      ['pipeline report @best:test.accuracy --out best.html', 'the best of all, to send'],
      [
        'pipeline report sweep-cats',
        'all trials of a sweep, the best one, what the figure depends on',
      ],
      ['pipeline report cats@-1 cats@latest', 'what differs, with the pictures that flipped'],
    ],
    load: () => import('./report.ts'),
  },
  {
    name: 'ui',
    summary: 'live pages of all runs and sweeps, on this machine, for a browser',
    arguments: [],
    options: [
      {
        flags: '--port <n>',
        description: 'where (default: 4747); 0 takes one that is free',
      },
      RUNS,
      STORE,
    ],
    examples: [
      ['pipeline ui', 'then open http://localhost:4747/; Ctrl-C ends it'],
      ['pipeline ui --runs ../other/runs --port 0', 'another folder of runs, any free port'],
    ],
    load: () => import('./ui.ts'),
  },
  {
    name: 'diff',
    summary: 'why one run is not like another: figures, keys, pictures, stages, machine, answers',
    arguments: [
      {
        name: 'a',
        description:
          'a run as in `pipeline show`, a pipeline file, or one in git, REVISION:FILE (default: the newest run but one)',
        optional: true,
      },
      { name: 'b', description: 'the other one (default: the newest run)', optional: true },
    ],
    options: [
      { flags: '--all', description: 'also what is equal; every picture' },
      { flags: '--exit-code', description: 'exit with 1 where anything differs, as git does' },
      { flags: '--precision <n>', description: 'decimals of metrics (default: 4)' },
      RUNS,
      STORE,
      JSON_OUT,
      { flags: '--md', description: 'as Markdown, for a pull request' },
    ],
    examples: [
      ['pipeline diff', 'the two newest runs'],
      ['pipeline diff cats@-1 cats@latest --all', 'two runs, all of it'],
      ['pipeline diff @best:test.accuracy --md', 'the best against the newest, for a pull request'],
      ['pipeline diff @latest pipelines/cats.yaml', 'what a run of the file would change'],
      ['pipeline diff HEAD~3:pipelines/cats.yaml pipelines/cats.yaml', 'what changed in a file'],
    ],
    load: () => import('./diff.ts'),
  },
  {
    name: 'sweep',
    summary:
      'sweeps: list them, show the trials of one, help to run them, submit that to a cluster',
    arguments: [
      { name: 'action', description: 'what to do', choices: ['ls', 'show', 'worker', 'submit'] },
      {
        name: 'file',
        description: 'a pipeline file, or the name of a sweep that was run',
        optional: true,
      },
    ],
    options: [
      SET,
      ...STAGE_OPTIONS.filter(({ flags }) => !flags.startsWith('--jobs')),
      { flags: '--name <name>', description: "the folder under runs/, in place of the file's" },
      SWEEP,
      ONLY,
      { flags: '--restart', description: 'worker: unfinished work is begun anew' },
      TENSORBOARD,
      {
        flags: '--log <style>',
        description: 'worker: auto, plain lines, or json events, one a line',
        choices: ['auto', 'plain', 'json'],
      },
      { flags: '--verbose', description: "worker: also the engine's own log lines" },
      ...SUBMIT_OPTIONS,
      RUNS,
      ...TABLES,
    ],
    examples: [
      ['pipeline sweep ls', 'all sweeps here'],
      ['pipeline sweep show sweep-cats.yaml', 'the trials so far, best first'],
      ['pipeline sweep show sweep-cats.yaml --csv', 'for a spreadsheet'],
      ['pipeline sweep worker sweep-cats.yaml', 'take part in it, from another machine too'],
      ['pipeline sweep submit sweep-cats.yaml --slurm --time 4:00:00 --gpus 1', 'on a cluster'],
      ['pipeline sweep submit sweep-cats.yaml --slurm --dry-run', 'what sbatch would get'],
    ],
    load: () => import('./sweep.ts'),
  },
  {
    name: 'tag',
    summary: 'put words on runs, to find them by',
    arguments: [
      {
        name: 'words',
        description: 'runs (as for show), then +WORD to put one on, -WORD to take one off',
        many: true,
      },
    ],
    options: [RUNS, JSON_OUT],
    hasDashes: true,
    examples: [
      ['pipeline tag @latest +best', 'then: pipeline ls --filter "tag = best"'],
      ['pipeline tag 8f2c1a 20261124 +thesis -draft', 'one on and one off, of two runs'],
      ['pipeline tag @latest', 'which there are'],
    ],
    load: () => import('./tag.ts'),
  },
  {
    name: 'note',
    summary: 'say something of a run',
    arguments: [RUN, { name: 'text', description: 'what; "" takes it away', optional: true }],
    options: [RUNS, JSON_OUT],
    examples: [
      ['pipeline note @latest "overfits from epoch 3"', 'in `show`, and `ls --columns id,note`'],
      ['pipeline note @latest', 'what was said'],
    ],
    load: () => import('./note.ts'),
  },
  {
    name: 'rm',
    summary: 'take runs away, to the trash or for good; what their stages made stays in the store',
    arguments: [{ name: 'runs', description: 'runs, as for show', optional: true, many: true }],
    options: [
      { flags: '--restore', description: 'back from the trash' },
      { flags: '--purge', description: 'for good, also out of the trash' },
      { flags: '--empty-trash', description: 'for good, all that is in the trash' },
      RUNS,
    ],
    examples: [
      ['pipeline rm 8f2c1a', 'into runs/.trash, which `pipeline ls --trash` lists'],
      ['pipeline rm 8f2c1a --restore', 'and back'],
      ['pipeline rm fruits@latest --purge', 'for good'],
    ],
    load: () => import('./rm.ts'),
  },
  {
    name: 'compare',
    summary: 'several runs beside each other: keys that vary, metrics, curves',
    arguments: [
      {
        name: 'runs',
        description: 'runs as in `pipeline show`; a name stands for all runs of it',
        many: true,
      },
    ],
    options: [RUNS, ...TABLES],
    examples: [
      ['pipeline compare cats', 'all runs of that name'],
      ['pipeline compare @-1 @latest @best:test.accuracy', 'three runs, each once'],
      ['pipeline compare cats --csv > cats.csv', 'for a spreadsheet'],
    ],
    load: () => import('./compare.ts'),
  },
  {
    name: 'predict',
    summary: 'name pictures by the model of a run, or by a base model',
    arguments: [
      {
        name: 'model',
        description:
          'a run (an id, a prefix, name@latest, a folder …) or a base model with its top',
      },
      { name: 'images', description: 'pictures, folders and patterns', many: true },
    ],
    options: [
      { flags: '--top <n>', description: 'how many labels a picture (default: 5)' },
      { flags: '--engine <name>', description: 'auto, tensorflow, webgpu or wasm (default: auto)' },
      {
        flags: '--batch <n>',
        description: 'pictures that are run at once (default: where the engine is quickest)',
      },
      { flags: '--offline', description: 'fetch nothing: what is not there is an error' },
      { flags: '--verbose', description: "also the engine's own log lines" },
      RUNS,
      STORE,
      ...TABLES,
    ],
    examples: [
      [
        'pipeline predict EfficientNetLite0 cat.jpg',
        "the most probable of ImageNet's 1,000 classes",
      ],
      ['pipeline predict fruits-finetune@latest photos/*.jpg', 'with what a run has trained'],
      ['pipeline predict quickstart@latest photos --csv > labels.csv', 'a whole folder'],
      ['pipeline predict @latest cat.jpg --top 1 --json', 'for a program'],
    ],
    load: () => import('./predict.ts'),
  },
  {
    name: 'export',
    summary: 'write the whole model of a run for Keras or TensorFlow.js',
    arguments: [RUN],
    options: [
      {
        flags: '--format <name>',
        description: 'keras: one file model.keras (default); tfjs: model.json and its weights',
        choices: ['keras', 'tfjs'],
      },
      { flags: '--out <folder>', description: 'a new folder (default: NAME-FORMAT here)' },
      {
        flags: '--engine <name>',
        description: 'what the written model is tried on (default: auto)',
        choices: ['auto', 'tensorflow', 'webgpu', 'wasm'],
      },
      RUNS,
      STORE,
      JSON_OUT,
    ],
    examples: [
      ['pipeline export fruits-finetune@latest', 'fruits-finetune-keras/ with model.keras'],
      [
        'pipeline export @best:test.accuracy --format tfjs --out site/model',
        'the best run, for a web page',
      ],
      ['pipeline export 8f2c1a --json', 'a run by its id, the result for a program'],
    ],
    load: () => import('./export.ts'),
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
      { flags: '--minimalistic', description: 'the minimalistic form, where the family has it' },
      { flags: '--size <pixels>', description: 'height and width of the pictures' },
      {
        flags: '--pooling <kind>',
        description: 'global pooling after the trunk',
        choices: ['none', 'avg', 'max'],
      },
      STORE,
      ...TABLES,
    ],
    examples: [
      ['pipeline models', 'names, sizes, parameters, preprocessing, and whose weights are here'],
      ['pipeline models MobileNetV2', "its layers in Keras' order"],
      ['pipeline models NASNetMobile --freeze first:600', 'what stays trainable'],
    ],
    load: () => import('./models.ts'),
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
    name: 'engine',
    summary: 'what computes here: list and try, install, remove',
    arguments: [
      { name: 'action', description: 'what to do', choices: ['ls', 'install', 'remove'] },
    ],
    options: [
      {
        flags: '--cuda',
        description: 'install: the library for NVIDIA GPUs; remove: only that one',
      },
      {
        flags: '--wheel <file>',
        description: "install: a wheel of tensorflow-cpu that is here already, instead of pip's",
        many: true,
      },
      ...TABLES,
    ],
    examples: [
      ['pipeline engine ls', 'each engine, tried with a small matrix product'],
      ['pipeline engine install', 'libtensorflow out of the tensorflow-cpu package (274 MB)'],
      ['pipeline engine install --cuda', "for NVIDIA GPUs, with NVIDIA's libraries (several GB)"],
      ['pipeline engine install --wheel tensorflow_cpu-2.21.0-….whl', 'without pip or network'],
      ['pipeline engine remove', 'the disk space back'],
    ],
    load: () => import('./engine.ts'),
  },
  {
    name: 'doctor',
    summary: 'what this machine has, and the cure for each thing it lacks',
    arguments: [],
    options: [STORE, JSON_OUT],
    examples: [
      ['pipeline doctor', 'tools, disk, engines (each tried), GPU'],
      ['pipeline doctor --json', 'the same for a program or a bug report'],
    ],
    load: () => import('./doctor.ts'),
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
