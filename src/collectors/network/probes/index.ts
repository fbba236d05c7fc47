import { http } from './http.ts';
import type { Probe } from './probe.ts';
import { ssh } from './ssh.ts';

/** Every probe over TCP. Answers are read in this order: what is sure of itself first, HTTP as a whole last. */
export const probes: readonly Probe[] = [ssh, http];
