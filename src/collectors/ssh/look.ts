import type { RulesetDump } from '../../model/admission.ts';
import type { Gap, UnnamedObservation } from '../../model/observation.ts';
import { readAnswer } from './answer.ts';
import { clientArguments, runClient } from './client.ts';
import { readFirewall } from './firewall.ts';
import { failureOf, probeGaps } from './gaps.ts';
import { observe } from './observe.ts';
import { makeProbe } from './probe.ts';
import { readSections } from './sections.ts';
import type { SshTarget } from './targets.ts';

export interface SshOptions {
  /** Look as root: `sudo -n` on the machine. */
  readonly sudo: boolean;
  /** Hash the programs that listen. */
  readonly hashes: boolean;
  /** For one machine, all in all. */
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  /** ssh_config(5) to use instead of the person's own. */
  readonly config?: string;
  readonly env: NodeJS.ProcessEnv;
  /** UTC milliseconds. */
  readonly now: () => number;
  readonly signal?: AbortSignal;
  /** Told of the packet filters of a machine that was looked at, under the name that it was asked for by. */
  readonly onFirewall?: (dump: RulesetDump) => void | Promise<void>;
}

/** Largest answer of one machine: some 400,000 sockets. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/**
 * Looks at one machine over SSH. A machine that could not be looked at gives an observation that covers nothing and
 * says why, under the name it was asked for by. Never throws for what a machine does.
 */
export async function lookOverSsh(target: SshTarget, options: SshOptions): Promise<UnnamedObservation> {
  const started = performance.now();
  const observedAt = options.now();
  const { name } = target;
  const { script, nonce } = makeProbe(options.hashes);
  const result = await runClient({
    args: clientArguments(target, options),
    input: script,
    timeoutMs: options.timeoutMs,
    maxBytes: MAX_ANSWER_BYTES,
    env: options.env,
    signal: options.signal,
  });
  const sections = readSections(result.stdout, nonce);
  const answer = readAnswer(sections);
  const durationMs = Math.round(performance.now() - started);
  const seconds = Math.round(options.timeoutMs / 1000);
  const broken = (): Gap | undefined => {
    if (result.ended === 'timeout') return probeGaps.timeout(name, seconds, answer !== undefined);
    if (result.ended === 'output') return probeGaps.truncated(name, MAX_ANSWER_BYTES);
    if (answer?.isTooLong) return probeGaps.tooLong(name);
    return answer?.reached === 'end' ? undefined : probeGaps.brokenOff(name, '');
  };
  if (answer !== undefined) {
    const gap = broken();
    await options.onFirewall?.(readFirewall(sections, { host: name, source: `ssh:${name}`, takenAt: observedAt }));
    return observe(answer, { target: name, observedAt, durationMs, ...(gap && { broken: gap }) });
  }
  const gap =
    result.ended === 'not started'
      ? probeGaps.notStarted(result.stderr)
      : result.ended === 'by itself'
        ? failureOf(name, result.stderr, result.code, options.sudo)
        : (broken() as Gap);
  return notSeen(name, gap, observedAt, durationMs);
}

function notSeen(name: string, gap: Gap, observedAt: number, durationMs: number): UnnamedObservation {
  return {
    collector: 'ssh',
    vantage: 'agentless',
    observedAt,
    durationMs,
    privilege: 'user',
    host: { name, addresses: [], tags: [] },
    coverage: [],
    gaps: [gap],
    listeners: [],
  };
}
