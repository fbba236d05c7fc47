/** Lists of other systems: assets, change tickets, declared ports. One per kind and source; the content is a document. */
export const lists: readonly string[] = [
  `create table lists (
    kind text not null, source text not null, imported_at integer not null, content text not null,
    primary key (kind, source)
  ) strict, without rowid`,
];
