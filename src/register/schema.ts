import { z } from 'zod';
import { TRANSPORTS } from '../model/endpoint.ts';
import { EXCEPTION_KINDS } from '../model/register.ts';

/** Longest text of one value. Characters; a signature or a purpose fits many times. */
const LONGEST = 10_000;
/** Most items of one list of an entry. */
const MOST = 10_000;

/** A text. Numbers are taken too in JSON Schema, since `change: 4821` reads as one to an editor. */
export const text = (what: string) =>
  z
    .string({ error: 'expected a text' })
    .max(LONGEST, { error: `expected at most ${LONGEST} characters` })
    // "\ud800" is half of a UTF-16 pair: no text of Unicode, and without a canonical form (RFC 8785, 3.2.2.2).
    .refine((value) => value.isWellFormed(), { error: 'expected text; an escape stands for half of a character' })
    .describe(what);

/** A list of texts, or a single one. */
export const texts = (what: string) =>
  z.union([text(what), z.array(text(what)).max(MOST)], { error: 'expected a text or a list of texts' }).describe(what);

const oneOf = <const T extends readonly [string, ...string[]]>(values: T, what: string) =>
  z.enum(values, { error: `expected one of ${values.join(', ')}` }).describe(what);

const map = { error: 'expected a map of keys and values' };

const portItem = z.union([z.string(), z.int()]);
export const portList = z
  .union([portItem, z.array(portItem).max(MOST)], {
    error: 'expected a port, a range such as "6000-6010", or a list of these',
  })
  .describe(
    'Port (1 to 65535), range such as "6000-6010", or a list of these; for raw, IP protocol numbers (0 to 255).',
  );

export const transport = oneOf(TRANSPORTS, 'Transport protocol; default tcp.');

const processRule = z
  .strictObject(
    {
      exe: text('Path of the executable; * and ? are wildcards.').optional(),
      user: text('User that the process runs as.').optional(),
      unit: text('systemd unit; * and ? are wildcards.').optional(),
      package: text('Name of the package that owns the executable.').optional(),
      sha256: texts('Allowed SHA-256 of the executable, 64 hex digits.').optional(),
    },
    map,
  )
  .describe('What the process behind the port must be. A key left out allows anything.');

const workload = z
  .record(
    z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, { error: 'expected a lower-case word' }),
    text('Name of the workload.'),
    map,
  )
  .describe('How deployment files name it, e.g. kubernetes: orders/statefulset/pg.');

const approval = z
  .strictObject(
    {
      by: text('E-mail address of the approver.'),
      at: text('When it was approved: date and time with zone.'),
      digest: text('Digest of the entry that was approved, sha256:<hex>.').optional(),
      hosts: texts('Hosts that the approver confirmed.').optional(),
      proof: text('SSH signature over the digest, or the word commit.').optional(),
    },
    map,
  )
  .describe('Who allowed the entry. Written by `quietdoor register approve`.');

const review = z
  .strictObject(
    {
      every: text('Time between reviews, e.g. 90d.').optional(),
      last: text('Day of the last review.').optional(),
      by: text('E-mail address of the reviewer.').optional(),
      digest: text('Digest of the entry that was reviewed, sha256:<hex>.').optional(),
    },
    map,
  )
  .describe('Periodic review. The stamps are written by `quietdoor register review`.');

/** One entry of a register file, as a person writes it. Blank keys are taken out before. The key order is the canonical one. */
export const entrySchema = z.strictObject(
  {
    id: text('Unique name of the entry: letters, digits, dot, dash, underscore.'),
    service: text('What runs there; the IANA service name where one exists.').optional(),
    purpose: text('Why the port is open, in a sentence.').optional(),
    workflow: text('Business process that it serves.').optional(),
    owner: text('Who answers for it; a name under owners.').optional(),
    hosts: texts('Host names (* and ? are wildcards), addresses, CIDRs, tag:NAME.'),
    scope: text('host (default), container:NAME*, pod:NAMESPACE/NAME*, netns:NAME*, or any.').optional(),
    workload: workload.optional(),
    port: portList,
    transport: transport.optional(),
    bind: text('How far it may reach: loopback, private (default), public, any, or one address.').optional(),
    process: processRule.optional(),
    sources: texts('Who may connect: addresses, CIDRs, zone:NAME. [] = nobody from outside the host.').optional(),
    data: texts('Classes of the data behind it, e.g. phi.').optional(),
    encryption: oneOf(['tls', 'mtls', 'ssh', 'none'], 'Encryption on the wire.').optional(),
    auth: oneOf(['ssh-key', 'mtls', 'token', 'password', 'none'], 'How clients are authenticated.').optional(),
    change: text('Change ticket.').optional(),
    risk: text("Entry of the organisation's risk register.").optional(),
    approval: approval.optional(),
    review: review.optional(),
    expires: text('Date and time with zone after which the entry no longer allows anything.').optional(),
    evidence: texts('Drafts only: what was observed.').optional(),
  },
  map,
);
export type EntryInput = z.infer<typeof entrySchema>;

/** One entry of exceptions.yaml, as a person writes it. */
export const exceptionSchema = z.strictObject(
  {
    id: text('Unique name of the exception.'),
    kind: oneOf(EXCEPTION_KINDS, 'What sort of deviation it is.'),
    rule: text('Id of the rule that it accepts.'),
    subject: text("HOST:PORT[/transport][@scope] with wildcards, entry:ID, host:NAME, or a finding's fingerprint."),
    reason: text('Why it is accepted.'),
    approver: text('E-mail address of who accepted it.'),
    ticket: text('Ticket where it was decided.').optional(),
    from: text('Date and time with zone from which it counts.').optional(),
    expires: text('Date and time with zone at which it ends.'),
  },
  map,
);
