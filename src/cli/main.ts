import { VERSION } from '../app/version.ts';
import { UserError } from '../model/errors.ts';
import { EXIT } from './exit-codes.ts';

const args = process.argv.slice(2);
// Ctrl-C ends the program at once (130 to a shell), by the default action: a handler would wait for synchronous work.
// Nothing is lost by it: what was acknowledged is on disk, and a file is written whole or not at all.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(); // a reader that has seen enough (`| head`) is no failure
  throw error;
});

if (process.env.QUIETDOOR_DUE === '1' && process.channel) {
  // Started by a schedule: a run that nobody waits for any more would run beside the next one.
  process.on('disconnect', () => process.exit(EXIT.interrupted));
  process.channel.unref();
}

if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  // Answered before anything is loaded: other tools ask this often.
  process.stdout.write(`${VERSION}\n`);
} else {
  process.exitCode = await run();
}

async function run(): Promise<number> {
  const { CommanderError } = await import('commander');
  const { buildProgram } = await import('./program.ts');
  const asked = args[0] === 'help' ? args[1] : args[0];
  // Completion speaks of every command, so it needs them all.
  const program = await buildProgram(asked === 'completion' ? 'all' : asked === undefined ? [] : [asked]);
  try {
    if (args.length === 0) {
      program.outputHelp();
      return EXIT.clean;
    }
    await program.parseAsync(process.argv);
    return Number(process.exitCode ?? EXIT.clean);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.clean : EXIT.failed;
    if (error instanceof UserError) {
      process.stderr.write(`quietdoor: ${error.message}\n${error.hint ? `${error.hint}\n` : ''}`);
      return EXIT.failed;
    }
    process.stderr.write(
      `quietdoor ${VERSION}: this is a fault of the program, not of your input. Please report it with the lines below.\n` +
        `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return EXIT.failed;
  }
}
