/**
 * The first schema. Migrations are history: a released one is never edited, a change is a further file.
 * Times are UTC milliseconds.
 */
export const initial: readonly string[] = [
  // Every look that was acknowledged, by its UUIDv7. `sequence`: its record in the ledger.
  `create table observations (
    id text primary key, host text not null, vantage text not null, observed_at integer not null,
    recorded_at integer not null, duration_ms real not null, listeners integer not null, sequence integer not null
  ) strict, without rowid`,

  // Newest look at each host. `confirmed_at`: newest look that saw every listener that is open.
  // `basis`: the document with coverage, gaps and host facts.
  `create table host_states (
    id integer primary key, host text not null, vantage text not null, first_observed_at integer not null,
    last_observed_at integer not null, confirmed_at integer not null, observation_id text not null, basis text not null,
    unique (host, vantage)
  ) strict`,

  // What listeners have in common, as JSON.
  `create table listener_shapes (id integer primary key, shape text not null unique) strict`,

  // Listeners over time.
  `create table listener_states (
    id integer primary key, host_state integer not null, scope text not null, transport text not null,
    port integer not null, address text not null, open integer not null, first_seen integer not null,
    open_since integer not null, last_seen integer not null, closed_at integer, restarts integer not null,
    shape integer not null, pid integer, started_at real, shared_with text, remembered text,
    unique (host_state, port, transport, scope, address)
  ) strict`,

  // The ledger. `record`: canonical JSON (RFC 8785) of the whole event; its bytes are final.
  `create table events (
    sequence integer primary key, observed_at integer not null, recorded_at integer not null, type text not null,
    actor text not null, subject text not null, record text not null
  ) strict`,
  `create index events_subject on events (subject)`,
  `create index events_type on events (type)`,
  `create index events_observed_at on events (observed_at)`,

  // Registers, rulesets and bases by content hash, compressed with zstd.
  `create table documents (
    sha256 text primary key, kind text not null, size integer not null, zstd blob not null
  ) strict`,

  // Findings ever seen. `last_seen` is that of the last sync while `resolved_at` is null.
  `create table findings (
    fingerprint text primary key, rule text not null, first_seen integer not null, last_seen integer not null,
    resolved_at integer, finding text not null
  ) strict`,
  `create index findings_resolved_at on findings (resolved_at)`,

  // What can be worked out again.
  `create table cache (
    key text primary key, id integer not null, size integer not null, value text not null
  ) strict`,

  // Single values.
  `create table meta (key text primary key, value text not null) strict, without rowid`,
];
