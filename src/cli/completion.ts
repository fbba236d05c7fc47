import type { Command } from 'commander';
import { checks } from '../checks/index.ts';

/** One command with the words that may follow it. */
interface Words {
  /** `''` for the program itself, `register`, `register approve`. */
  readonly path: string;
  readonly commands: readonly { name: string; summary: string }[];
  readonly options: readonly { flag: string; summary: string; choices: readonly string[] }[];
}

/** Completion script of a shell, made from the commands of a program as they are. */
export function completionScript(shell: 'bash' | 'zsh' | 'fish', program: Command): string {
  const words = wordsOf(program, '');
  if (shell === 'fish') return fish(words);
  const script = bash(words);
  return shell === 'zsh' ? `autoload -U +X bashcompinit && bashcompinit\n${script}` : script;
}

function wordsOf(command: Command, path: string): Words[] {
  const own: Words = {
    path,
    commands: [
      ...command.commands.map((c) => ({ name: c.name(), summary: c.summary() })),
      ...(path === 'explain' ? checks.map(({ id, title }) => ({ name: id, summary: title })) : []),
    ],
    options: command.options
      .filter((option) => !option.hidden)
      .flatMap((option) =>
        [option.long, option.short].flatMap((flag) =>
          flag ? [{ flag, summary: option.description, choices: option.argChoices ?? [] }] : [],
        ),
      ),
  };
  return [own, ...command.commands.flatMap((c) => wordsOf(c, `${path} ${c.name()}`.trim()))];
}

/** Paths of `words` that have sub-commands, as shell patterns know them. */
function bash(all: readonly Words[]): string {
  const cases = all
    .filter((words) => words.path !== '')
    .map(
      (words) =>
        `    '${words.path}') words='${[...words.commands.map((c) => c.name), ...words.options.map((o) => o.flag)].join(' ')}' ;;`,
    );
  const values = [
    ...new Map(
      all.flatMap((w) => w.options.filter((o) => o.choices.length > 0).map((o) => [`${w.path} ${o.flag}`, o])),
    ),
  ].map(
    ([key, option]) => `    '${key}') COMPREPLY=($(compgen -W '${option.choices.join(' ')}' -- "$cur")); return ;;`,
  );
  const top = all[0] as Words;
  return `# bash completion for quietdoor
_quietdoor() {
  local cur prev path words word
  cur=\${COMP_WORDS[COMP_CWORD]}
  prev=\${COMP_WORDS[COMP_CWORD-1]}
  path=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) break ;; esac
    case "\${path:+$path }$word" in
${all
  .filter((words) => words.path !== '')
  .map((words) => `      '${words.path}') path='${words.path}' ;;`)
  .join('\n')}
    esac
  done
  case "$path $prev" in
${values.join('\n')}
  esac
  case "$path" in
${cases.join('\n')}
    *) words='${[...top.commands.map((c) => c.name), '--help', '--version'].join(' ')}' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$cur"))
}
complete -o filenames -F _quietdoor quietdoor
`;
}

function fish(all: readonly Words[]): string {
  const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = ['# fish completion for quietdoor', 'complete -c quietdoor -f'];
  for (const { path, commands, options } of all) {
    const parts = path.split(' ').filter(Boolean);
    const condition =
      parts.length === 0
        ? '__fish_use_subcommand'
        : parts.map((part) => `__fish_seen_subcommand_from ${part}`).join('; and ');
    for (const c of commands)
      lines.push(`complete -c quietdoor -n ${quote(condition)} -a ${c.name} -d ${quote(c.summary)}`);
    for (const o of options) {
      if (parts.length === 0 || !o.flag.startsWith('--')) continue;
      const choices = o.choices.length > 0 ? ` -x -a ${quote(o.choices.join(' '))}` : '';
      lines.push(`complete -c quietdoor -n ${quote(condition)} -l ${o.flag.slice(2)} -d ${quote(o.summary)}${choices}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
