import { type Command, InvalidArgumentError } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { changeWords, progress, renderOptions, writeAsItComes } from '../../output.ts';

interface SshFlags extends OutputOptions, PlaceOptions {
  readonly record: boolean;
  readonly hashes: boolean;
  readonly sudo?: boolean;
  readonly inventory?: string;
  readonly limit?: string;
  readonly parallel: number;
  readonly timeout: number;
  readonly connectTimeout: number;
  readonly sshConfig?: string;
}

export function define(parent: Command): void {
  const summary = 'other machines over SSH, without installing anything there';
  const command = parent
    .command('ssh')
    .summary(summary)
    .description(
      `${summary}: one read-only shell script is run by the system's OpenSSH client, with your configuration, keys and known_hosts`,
    )
    .argument('[hosts...]', 'host, user@host, host:port or ssh alias; @FILE: one per line; "-": from standard input')
    .option('-i, --inventory <file>', 'hosts of an Ansible inventory (INI, YAML, or JSON of ansible-inventory --list)')
    .option('--limit <pattern>', 'only those hosts of the inventory: Ansible pattern, e.g. "web:&prod:!web03"')
    .option('--sudo', 'look as root, by "sudo -n" on the machine; asks for no password')
    .option('--parallel <n>', 'machines looked at at one time', wholeNumber(1, 1000), 16)
    .option('--timeout <seconds>', 'for one machine, all in all', wholeNumber(1, 86_400), 60)
    .option('--connect-timeout <seconds>', 'for one connection to be made', wholeNumber(1, 3600), 10)
    .option('--ssh-config <file>', 'ssh_config(5) to use instead of your own')
    .option('--no-record', 'only print; needs no workspace')
    .option('--no-hashes', 'do not hash the programs that listen')
    .action(async (hosts: string[], flags: SshFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { nameAll, noCounts, recordAll } = await import('../../../app/record.ts');
      const { knownHosts, scanSsh } = await import('../../../app/scan-ssh.ts');
      const { createFirewallKeeper } = await import('../../../app/firewall-record.ts');
      const { readSshTargets } = await import('../../../app/ssh-targets.ts');
      const { renderObservations } = await import('../../../reports/observations.ts');
      const { count } = await import('../../../util/words.ts');
      const context = flags.record ? openContext(flags) : undefined;
      const { targets, problems } = await readSshTargets({ hosts, ...flags });
      for (const problem of problems) process.stderr.write(`${problem}\n`);
      const total = { seen: 0, failed: 0 };
      await using filters = context === undefined ? undefined : createFirewallKeeper(context, 'collector:ssh');
      const source = scanSsh(targets, context === undefined ? [] : await knownHosts(context), {
        sudo: flags.sudo === true,
        hashes: flags.hashes,
        parallel: flags.parallel,
        timeoutMs: flags.timeout * 1000,
        connectTimeoutMs: flags.connectTimeout * 1000,
        ...(flags.sshConfig === undefined ? {} : { config: flags.sshConfig }),
        env: process.env,
        now: () => Date.now(),
        onHost: (_, seen) => {
          if (seen) total.seen++;
          else total.failed++;
        },
        ...(filters && { onFirewall: filters.keep }),
      });
      const counts = noCounts();
      const named = context === undefined ? nameAll(source, counts) : recordAll(context, source, counts);
      await writeAsItComes(renderObservations(named, flags.format, renderOptions(flags)), flags);
      const failed = total.failed > 0 ? `, ${total.failed} could not be looked at` : '';
      progress(flags, `${count(targets.length, 'machine')}: ${total.seen} looked at${failed}`);
      if (context !== undefined) progress(flags, `${changeWords(counts)} since the last look`);
      const hidden = filters?.notSeen() ?? 0;
      if (hidden > 0)
        progress(
          flags,
          `packet filters of ${count(hidden, 'machine')} not seen, or not all${flags.sudo ? '' : ' (--sudo)'}`,
        );
      if (counts.gaps > 0 || problems.length > 0) process.exitCode = EXIT.gaps;
    });
  withPlace(command);
  withOutput(command, ['table', 'json', 'jsonl', 'csv']);
  withExamples(command, [
    ['quietdoor scan ssh web1 admin@db1:2222', 'two machines, as your user there'],
    ['quietdoor scan ssh --sudo @hosts.txt', 'every machine of a list, every owner visible'],
    ['quietdoor scan ssh --sudo -i inventory.yml --limit prod', 'hosts of an Ansible inventory'],
  ]);
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,9}$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`a whole number from ${min} to ${max} is expected`);
    return value;
  };
}
