/** The manifest of flow parts, feeds and what they cover. Times of flows are UTC seconds, others milliseconds. */
export const flows: readonly string[] = [
  // Numbers of feeds as the parts have them: 1 to 65,535.
  `create table flow_feeds (id integer primary key, name text not null unique, format text not null) strict`,

  // What was taken in, so that nothing is taken twice. `until_s`: end of its newest bucket or coverage.
  `create table flow_inputs (
    digest text primary key, source text not null, recorded_at integer not null, rows integer not null,
    until_s integer not null
  ) strict, without rowid`,

  // Parquet files below flows/. `tier`: seconds of a bucket. `feeds`: their numbers, as JSON. Once another part has its
  // rows it is retired: it stays a while for those who are reading it.
  `create table flow_parts (
    file text primary key, tier integer not null, from_s integer not null, until_s integer not null, rows integer not null,
    bytes integer not null, sha256 text not null, feeds text not null, retired_at integer
  ) strict, without rowid`,

  // `lost`: null where the number is not known.
  `create table flow_coverage (
    feed integer not null, from_s integer not null, until_s integer not null, kind text not null, lost integer
  ) strict`,
  `create index flow_coverage_feed on flow_coverage (feed, until_s)`,

  // Addresses that a feed reported. `role`: 1 as a source, 2 as a destination, 3 as both.
  `create table flow_addresses (
    feed integer not null, address text not null, role integer not null, primary key (feed, address)
  ) strict, without rowid`,
];
