/** Incidents, what was delivered of them, and maintenance windows. */
export const alerts: readonly string[] = [
  // `incident`: JSON of the whole record; the columns beside it repeat parts of it for look-ups.
  `create table incidents (
    id text primary key, key text not null unique, state text not null, severity text not null, owner text,
    last_seen integer not null, incident text not null
  ) strict`,
  `create index incidents_by_state on incidents (state, last_seen)`,

  // Each cause is in exactly one incident. `cause`: JSON.
  `create table incident_causes (
    id text primary key, incident text not null references incidents (id), last_seen integer not null, cause text not null
  ) strict, without rowid`,
  `create index incident_causes_by_incident on incident_causes (incident, last_seen)`,

  // The outbox. `message`: JSON of what is sent, the same at every attempt. `state`: waiting, sent or dead.
  `create table alert_deliveries (
    id text primary key, channel text not null, owner text, kind text not null, urgent integer not null,
    counts integer not null, created_at integer not null, state text not null, attempts integer not null,
    next_attempt integer not null, settled_at integer, error text, incidents text not null, message text not null
  ) strict`,
  `create index alert_deliveries_by_state on alert_deliveries (state, next_attempt)`,
  `create index alert_deliveries_by_time on alert_deliveries (created_at)`,

  // "window" is a word of SQL.
  `create table maintenance_windows (
    id text primary key, starts_at integer not null, ends_at integer not null, ended_at integer, maintenance text not null
  ) strict`,
];
