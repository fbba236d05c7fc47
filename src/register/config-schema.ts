import { z } from 'zod';
import { SEVERITIES } from '../model/finding.ts';
import { portList, text, texts, transport } from './schema.ts';

const map = { error: 'expected a map of keys and values' };
const list = { error: 'expected a list' };
const name = z
  .string()
  .regex(/^[A-Za-z0-9][\w.@-]{0,127}$/, { error: 'expected letters, digits, dots, dashes and underscores' });

/** A number of days or hours is written as a duration: `90d`, `24h`. */
const duration = (what: string) => text(`${what} A duration such as 24h, 90d, 12w or 1y.`).optional();

const owner = z
  .strictObject(
    {
      title: text('Name as people say it.').optional(),
      email: text('Where to reach them.').optional(),
      codeowners: texts('CODEOWNERS handles, e.g. @org/team-orders.').optional(),
      members: texts('E-mail addresses of the people.').optional(),
    },
    map,
  )
  .describe('Who answers for register entries.');

const host = z
  .strictObject(
    {
      addresses: texts('Addresses of the host.').optional(),
      tags: texts('Tags that entries select by tag:NAME.').optional(),
      owner: text('Who answers for the host; drafts take their owner from here.').optional(),
    },
    map,
  )
  .describe('What is known of a host beside what is observed.');

const prohibited = z.strictObject(
  { transport: transport.optional(), port: portList, reason: text('Why it is prohibited.') },
  map,
);
const allowed = z.strictObject(
  { service: text('Id of the built-in prohibition.'), reason: text('Why it is allowed here.') },
  map,
);

const policy = z
  .strictObject(
    {
      prohibited: z.array(prohibited, list).describe('Adds to the built-in list of prohibited services.').optional(),
      allow: z.array(allowed, list).describe('Takes services off the built-in list.').optional(),
      approvers: texts('E-mail addresses of who may approve; none = anybody but the author of the change.').optional(),
      review: duration('Time between reviews where an entry does not say; default 365d.'),
      reviewByData: z
        .record(name, text('Time between reviews.'), map)
        .describe('Time between reviews by data class, e.g. phi: 90d; the shortest wins.')
        .optional(),
      dueSoon: duration('How long before a review or an expiry it is announced; default 14d.'),
      exceptionMax: duration('Longest life of an exception; default 180d.'),
      staleAfter: duration('Age at which an observation says nothing about now any more; default 24h.'),
      silentAfter: duration('How long a registered port may be silent; default 30d.'),
      privileged: texts('Executables (* and ? are wildcards) that may run as root and listen.').optional(),
      observeWithin: duration('How long an asset may go without being observed; default 7d.'),
      certificateWarn: duration('How long before it expires a certificate is reported; default 30d.'),
      ticketWindow: duration("How far from its ticket's window a change may lie; default 24h."),
      reviewLog: duration(
        'Time between reviews of the record of events (quietdoor review log); none is demanded by default.',
      ),
      claimed: z
        .enum(['low', 'medium'], { error: 'expected one of low, medium' })
        .describe('Severity of an approval that is written down and not proven; default medium, as of a draft.')
        .optional(),
    },
    map,
  )
  .describe("The organisation's rules about ports.");

export const FRAMEWORK_IDS = ['nist-800-53-r5', 'iso-27001-2013', 'iso-27001-2022', 'hitrust-csf'] as const;
const NIST_BASELINES = [
  'low',
  'moderate',
  'high',
  'privacy',
  'fedramp-li-saas',
  'fedramp-low',
  'fedramp-moderate',
  'fedramp-high',
] as const;
const frameworkId = z.enum(FRAMEWORK_IDS, { error: `expected one of ${FRAMEWORK_IDS.join(', ')}` });
const framework = z.union(
  [
    frameworkId,
    z.strictObject(
      {
        id: frameworkId,
        baseline: z
          .enum(NIST_BASELINES, { error: `expected one of ${NIST_BASELINES.join(', ')}` })
          .describe('Baseline of NIST SP 800-53; default moderate.')
          .optional(),
      },
      map,
    ),
  ],
  { error: `expected one of ${FRAMEWORK_IDS.join(', ')}, or a map of id and baseline` },
);

const scheduleItem = z
  .strictObject(
    {
      name: name.describe('Name of the item, unique; its runs carry it.'),
      cron: text('When: five fields of crontab(5), or @hourly, @daily, @weekly, @monthly.'),
      timeZone: text('IANA time zone that the times are in, e.g. Europe/Berlin; default UTC.').optional(),
      run: texts('What: a command line without the program, e.g. scan network 10.20.0.0/24; or its words as a list.'),
      grace: text(
        'How late a run may begin before it counts as missed, e.g. 30min, 6h; default half the interval.',
      ).optional(),
    },
    map,
  )
  .describe('Something that is to run regularly.');

const RATE = { error: 'expected a whole number from 1 to 1000000' };
const rate = (what: string) =>
  z
    .union([z.string().regex(/^(1000000|[1-9]\d{0,5})$/, RATE), z.int().min(1).max(1_000_000)], RATE)
    .describe(what)
    .optional();
const exclusion = z.strictObject(
  {
    target: text('Address, CIDR, range of addresses or name that is never sent a packet.'),
    reason: text('Why it must not be scanned.'),
  },
  map,
);
const scan = z
  .strictObject(
    {
      rate: rate('New connections per second in all.'),
      ratePerHost: rate('New connections per second to one host.'),
      exclude: z.array(exclusion, list).describe('What no network scan of this workspace touches.').optional(),
    },
    map,
  )
  .describe('Limits that every network scan keeps.');

const vulnerabilities = z
  .strictObject(
    {
      osv: texts('OSV exports: directories or zip files, from this file.').optional(),
      kev: text("CISA's catalogue of known exploited vulnerabilities, JSON, from this file.").optional(),
    },
    map,
  )
  .describe('Vulnerability data that packages are looked up in, as files.');

const severity = (what: string) =>
  z
    .enum(SEVERITIES, { error: `expected one of ${SEVERITIES.join(', ')}` })
    .describe(what)
    .optional();
const yesOrNo = (what: string) =>
  z
    .union([z.boolean(), z.enum(['true', 'false'])], { error: 'expected true or false' })
    .describe(what)
    .optional();
const MESSAGES = { error: 'expected a whole number from 1 to 10000' };

/** Settings beside these belong to the kind of channel. */
const alertChannel = z
  .looseObject(
    {
      name: name.describe('Name of the channel, unique; routes name it.'),
      kind: text('webhook, slack, teams, smtp, syslog or jsonl; its settings stand beside it.'),
      owners: texts('Owners that are told through it, unless a route says otherwise.').optional(),
      perOwner: yesOrNo('One message per owner, to the e-mail address under owners; for smtp.'),
    },
    map,
  )
  .describe('A way to tell somebody.');

const alertRoute = z
  .strictObject(
    {
      owner: texts('Owners of the port.').optional(),
      severity: severity('This severity or worse.'),
      kinds: texts('Rules, kinds of anomalies or types of events.').optional(),
      zones: texts('Zones that the peer or the host is in.').optional(),
      data: texts('Data classes of the port, e.g. phi.').optional(),
      to: texts('Names of the channels that are told.'),
      continue: yesOrNo('Routes after this one count too; default false.'),
    },
    map,
  )
  .describe('Who is told of what. The first route of which every condition holds decides.');

const alerts = z
  .strictObject(
    {
      channels: z.array(alertChannel, list).describe('Ways to tell somebody.').optional(),
      routes: z.array(alertRoute, list).describe('Who is told of what; default: the owner of the port.').optional(),
      fallback: texts('Channels for what no route and no owner takes; default: those of no owner.').optional(),
      severity: severity('From which severity on people are told at once; default medium. The digest has the rest.'),
      ignore: texts('Rules, kinds of anomalies and types of events that nobody is told of.').optional(),
      timeZone: text('IANA time zone of the times here and of the days of the cap; default UTC.').optional(),
      digest: text(
        'When the digest of what is less severe is sent each day, e.g. 08:00, or none; default 08:00.',
      ).optional(),
      quietHours: z
        .strictObject(
          {
            from: text('Begin, e.g. 22:00.'),
            until: text('End, e.g. 07:00.'),
            except: severity('What is this severe is told even then; default high.'),
          },
          map,
        )
        .describe('When nobody is told but of what is severe.')
        .optional(),
      dailyCap: z
        .union([z.string().regex(/^(10000|[1-9]\d{0,3})$/, MESSAGES), z.int().min(1).max(10_000)], MESSAGES)
        .describe(
          'Messages a day through one channel at most, the last one a summary; default 20. Critical ones count by themselves.',
        )
        .optional(),
      remind: text('After how long an open alert of high severity is told again, or never; default 24h.').optional(),
      resolveAfter: text('How long every cause must be gone before an alert is over; default 6h.').optional(),
      tellResolved: yesOrNo('Tell that an alert is over, to who was told of it; default true.'),
      links: text('Begin of links to alerts in messages, an https URL.').optional(),
    },
    map,
  )
  .describe('Who is told of trouble, when and how: quietdoor alerts run.');

const keep = (what: string) => text(`${what} Whole days such as 35d, 12w or 1y.`).optional();
const traffic = z
  .strictObject(
    {
      keep: z
        .strictObject(
          {
            fiveMinutes: keep('Age at which rows of five minutes become rows of an hour; default 35d.'),
            hours: keep('Age at which rows of an hour become rows of a day; default 1y.'),
            days: keep('Age at which rows of a day are removed; default 3y.'),
          },
          map,
        )
        .describe('How long flows are kept.')
        .optional(),
    },
    map,
  )
  .describe('Observed traffic.');

/** quietdoor.yaml, as a person writes it. Blank keys are taken out before. */
export const configSchema = z.strictObject(
  {
    name: text('Name of the workspace.').optional(),
    boundary: text('System or authorisation boundary that it describes.').optional(),
    site: text('Address space of the hosts; RFC 1918 ranges may repeat between sites. Default: default.').optional(),
    authority: z
      .enum(['git', 'server'], { error: 'expected one of git, server' })
      .describe('Where the register is changed; the other side only reads. Default git.')
      .optional(),
    extends: texts('Shared policy: a file or a folder (or a list of them) that this workspace builds on.').optional(),
    owners: z
      .record(name, z.union([owner, text('E-mail address.')], { error: 'expected a map, or an e-mail address' }), map)
      .describe('Owners by name.')
      .optional(),
    zones: z.record(name, texts('Addresses and CIDRs.'), map).describe('Named sets of sources.').optional(),
    hosts: z.record(name, host, map).describe('Hosts by name.').optional(),
    policy: policy.optional(),
    thresholds: z
      .strictObject(
        {
          failOn: z
            .enum(SEVERITIES, { error: `expected one of ${SEVERITIES.join(', ')}` })
            .describe('Severity at which `check` fails; default medium.')
            .optional(),
        },
        map,
      )
      .describe('When something counts.')
      .optional(),
    frameworks: z.array(framework, list).describe('Control frameworks to report against.').optional(),
    schedule: z.array(scheduleItem, list).describe('What is to run regularly: scan --due runs what is due.').optional(),
    scan: scan.optional(),
    vulnerabilities: vulnerabilities.optional(),
    alerts: alerts.optional(),
    traffic: traffic.optional(),
    ledger: z
      .strictObject(
        {
          witnesses: texts(
            'Where each checkpoint of the ledger is sent: file:PATH, git:FOLDER or an https URL. Off this machine is best.',
          ).optional(),
        },
        map,
      )
      .describe('The record of events.')
      .optional(),
  },
  map,
);
export type ConfigInput = z.infer<typeof configSchema>;
