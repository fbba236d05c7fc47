/** Exit codes, the same for every command; printed in every command's help. */
export const EXIT = { clean: 0, findings: 1, failed: 2, gaps: 3, interrupted: 130 } as const;

export const EXIT_CODES_HELP = `
Exit codes:
  0    clean
  1    findings at or above --fail-on
  2    could not run, or parts of the input could not be used (usage, configuration, input, I/O)
  3    ran, with gaps: something could not be looked at
  130  interrupted`;
