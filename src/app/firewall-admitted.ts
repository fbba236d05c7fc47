import { createEvaluator } from '../firewall/evaluate.ts';
import { parseAddress, unmapAddress } from '../model/address.ts';
import { equals } from '../model/address-set.ts';
import type { Admission } from '../model/admission.ts';
import { HOST_SCOPE } from '../model/endpoint.ts';
import { UserError } from '../model/errors.ts';
import type { Ruleset } from '../model/ruleset.ts';
import { type AdmissionAnswer, renderAdmission } from '../reports/firewall-admission.ts';
import { admissionJson, filesJson } from '../reports/firewall-json.ts';
import { printableJson } from '../reports/printable.ts';
import type { RenderOptions } from '../reports/report-format.ts';
import { type FirewallEndpoint, parseFirewallEndpoint } from './firewall-endpoint.ts';
import { type FirewallFiles, rulesetFromFiles } from './firewall-files.ts';

/** What a person asks of files. */
export interface AdmittedRequest extends FirewallFiles {
  readonly endpoints: readonly string[];
  /** Address that clients send to; absent: every address of the host. */
  readonly address?: string | undefined;
  readonly iif?: string | undefined;
  readonly scope?: string | undefined;
}

export interface AdmittedResult {
  readonly text: string;
  /** A file could not be read whole. */
  readonly isOpen: boolean;
}

/** Says who can connect to ports, by files of packet filters. Throws UserError where the question or a file is unusable. */
export async function admitted(
  request: AdmittedRequest,
  format: string,
  options: RenderOptions,
): Promise<AdmittedResult> {
  const endpoints = request.endpoints.map(parseFirewallEndpoint);
  if (endpoints.length === 0)
    throw new UserError('no endpoint was given', { hint: 'For example: --endpoint tcp/22 or --endpoint 5432/tcp' });
  const address = request.address === undefined ? null : parseAddress(request.address);
  if (request.address !== undefined && address === null)
    throw new UserError(`--address: "${request.address}" is no address`, {
      hint: 'Expected a local address that clients send to, such as 192.0.2.1 or 2001:db8::1.',
    });
  const to = address === null ? null : unmapAddress(address);
  const ruleset = await rulesetFromFiles(request);
  const evaluator = createEvaluator(ruleset);
  const scope = request.scope ?? HOST_SCOPE;
  requireScope(ruleset, scope);
  const answers = endpoints.map((endpoint) => ({
    endpoint,
    admission: evaluator.admission({
      ...endpoint,
      addresses: to === null ? null : [to],
      iif: request.iif ?? null,
      scope,
      view: to === null ? 'socket' : 'client',
      explain: true,
    }),
  }));
  const asked = { address: request.address ?? null, iif: request.iif ?? null, scope };
  const isOpen = incompleteFiles(ruleset).length > 0;
  if (format === 'json') return { text: `${printableJson(answersJson(answers, asked, ruleset), 2)}\n`, isOpen };
  const texts = answers.map(({ endpoint, admission }) =>
    renderAdmission(
      { ...titleOf(endpoint, asked), admission, ruleset, problems: incompleteFiles(ruleset), zones: [] },
      options,
    ),
  );
  return { text: texts.join('\n'), isOpen };
}

/** Scopes that only files give a meaning to: a misspelt one must not be taken for one without filters. */
const NAMED_SCOPE = /^(?:sg|instance|subnet|nacl):/;

function requireScope({ layers }: Ruleset, scope: string): void {
  if (!NAMED_SCOPE.test(scope)) return;
  const scopes = new Set(layers.map((layer) => layer.scope ?? '').filter((name) => NAMED_SCOPE.test(name)));
  if (scopes.has(scope)) return;
  const some = [...scopes].sort().slice(0, 10).join(', ');
  const hint =
    scopes.size === 0
      ? 'Every filter of the files has known addresses: ask with --address.'
      : `The files have ${some}${scopes.size > 10 ? ` and ${scopes.size - 10} more` : ''}.`;
  throw new UserError(`--scope: no filter of the files is for "${scope}"`, { hint });
}

interface Asked {
  readonly address: string | null;
  readonly iif: string | null;
  readonly scope: string;
}

interface Answer {
  readonly endpoint: FirewallEndpoint;
  readonly admission: Admission;
}

/** One port: its answer at the top. Several: `{schemaVersion, endpoints: [...], statements, ...}`. */
function answersJson(answers: readonly Answer[], asked: Asked, ruleset: Ruleset): unknown {
  const each = answers.map(({ endpoint, admission }) => ({
    endpoint: { ...endpoint, ...asked },
    ...admissionJson(admission),
    assumptions: admission.assumptions,
  }));
  const [only, ...more] = each;
  if (only && more.length === 0) {
    const { assumptions, ...answer } = only;
    return { schemaVersion: 1, ...answer, problems: incompleteFiles(ruleset), ...filesJson(ruleset), assumptions };
  }
  return { schemaVersion: 1, endpoints: each, problems: incompleteFiles(ruleset), ...filesJson(ruleset) };
}

function titleOf(
  { transport, port }: FirewallEndpoint,
  { address, iif, scope }: Asked,
): Pick<AdmissionAnswer, 'title' | 'basis'> {
  const where = address === null ? 'every address of the host' : address;
  const by = iif === null ? '' : `, in by ${iif}`;
  return { title: `${transport}/${port}`, basis: `on ${where}${by}${scope === HOST_SCOPE ? '' : `, in ${scope}`}` };
}

/** Says whether an answer leaves sources open. */
export function isUndecided({ admitted, completes }: Pick<Admission, 'admitted' | 'completes'>): boolean {
  return !equals(admitted.lower, admitted.upper) || !equals(completes.lower, completes.upper);
}

/** Files that could not be read whole, a sentence each. */
function incompleteFiles({ files }: Pick<Ruleset, 'files'>): string[] {
  return files.flatMap(({ name, dialect, incomplete }) => {
    if (incomplete === null) return [];
    const cut = /^the (text|table \S+) ends\b/.test(incomplete) ? 'is truncated' : 'could not be read whole';
    return [`${name} ${dialect === 'unknown' ? 'is not understood' : cut}: ${incomplete}`];
  });
}
