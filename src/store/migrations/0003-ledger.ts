/** The Merkle tree over the ledger. Records that were there before are added to it by the first checkpoint. */
export const ledger: readonly string[] = [
  // One row once the ledger has a key. `size`: records in the tree. `archived`: records up to here left for an archive.
  `create table ledger_tree (
    id integer primary key check (id = 1), origin text not null, size integer not null, archived integer not null
  ) strict`,

  // Hashes of the tree: 256 nodes of level 8 × `level` in each, 32 bytes a node. Only the last of a level is shorter.
  `create table ledger_tiles (
    level integer not null, number integer not null, hashes blob not null, primary key (level, number)
  ) strict`,

  // Every checkpoint that was signed.
  `create table ledger_checkpoints (size integer primary key, signed_at integer not null, note text not null) strict`,

  // Records about the ledger itself that outlive the archiving of the others: its keys, its archives.
  `create table ledger_kept (sequence integer primary key, record text not null) strict`,
];
