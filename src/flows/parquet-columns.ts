/** The format, beside those that are read line by line. */
export const PARQUET = {
  name: 'parquet',
  title: "Parquet (AWS VPC flow logs, or any with columns as in quietdoor's CSV)",
} as const;

/** Says whether a file is Parquet, by its beginning. */
export function isParquet(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x41 && head[2] === 0x52 && head[3] === 0x31;
}

/** A column of a Parquet file, as DuckDB names its type. */
export interface ParquetColumn {
  readonly name: string;
  readonly type: string;
}

/** Fields that a record is read from. */
export const PARQUET_FIELDS = [
  'start',
  'end',
  'src',
  'dst',
  'src_port',
  'dst_port',
  'protocol',
  'action',
  'packets',
  'bytes',
  'connections',
  'feed',
] as const;
export type ParquetField = (typeof PARQUET_FIELDS)[number];

/** Which columns are read, or what is wrong with them: sentences. */
export interface ParquetPlan {
  readonly isAws: boolean;
  /** Name of the column by field. */
  readonly columns: ReadonlyMap<ParquetField | 'pkt_src' | 'pkt_dst' | 'tcp_flags' | 'status', ParquetColumn>;
}

const NEEDED: readonly ParquetField[] = ['start', 'src', 'dst', 'dst_port', 'protocol'];

/** Names of AWS (docs.aws.amazon.com, flow logs to Amazon S3), dashes as underscores. */
const AWS = {
  start: 'start',
  end: 'end',
  src: 'srcaddr',
  dst: 'dstaddr',
  src_port: 'srcport',
  dst_port: 'dstport',
  protocol: 'protocol',
  action: 'action',
  packets: 'packets',
  bytes: 'bytes',
  feed: 'interface_id',
  pkt_src: 'pkt_srcaddr',
  pkt_dst: 'pkt_dstaddr',
  tcp_flags: 'tcp_flags',
  status: 'log_status',
} as const;

const WHOLE = /^U?(?:TINY|SMALL|BIG)?INT(?:EGER)?$/;
const TIME = /^(?:TIMESTAMP(?:_S|_MS|_NS)?|TIMESTAMP WITH TIME ZONE)$/;
const isText = (type: string): boolean => type === 'VARCHAR' || type.startsWith('ENUM');
const isNumber = (type: string): boolean =>
  WHOLE.test(type) || type === 'DOUBLE' || type === 'FLOAT' || type.startsWith('DECIMAL');

const EXPECTED: Readonly<Record<string, readonly [(type: string) => boolean, string]>> = {
  start: [(type) => isNumber(type) || TIME.test(type), 'UTC seconds as a number, or a timestamp'],
  end: [(type) => isNumber(type) || TIME.test(type), 'UTC seconds as a number, or a timestamp'],
  src: [isText, 'addresses as text'],
  dst: [isText, 'addresses as text'],
  pkt_src: [isText, 'addresses as text'],
  pkt_dst: [isText, 'addresses as text'],
  src_port: [(type) => WHOLE.test(type), 'whole numbers'],
  dst_port: [(type) => WHOLE.test(type), 'whole numbers'],
  protocol: [(type) => WHOLE.test(type), 'IANA protocol numbers'],
  action: [isText, 'words such as ACCEPT and REJECT'],
  packets: [isNumber, 'numbers'],
  bytes: [isNumber, 'numbers'],
  connections: [isNumber, 'numbers'],
  feed: [isText, 'names'],
  tcp_flags: [(type) => WHOLE.test(type), 'whole numbers'],
  status: [isText, 'OK, NODATA and SKIPDATA'],
};

/** Works out which columns of a file are which fields. `mapping`: column by field, as a person says. */
export function planParquet(
  found: readonly ParquetColumn[],
  mapping: ReadonlyMap<string, string>,
): ParquetPlan | { readonly problems: readonly string[] } {
  const byName = new Map(found.map((column) => [column.name, column]));
  const bySimpleName = new Map(found.map((column) => [column.name.toLowerCase().replaceAll('-', '_'), column]));
  const isAws = mapping.size === 0 && bySimpleName.has(AWS.src) && bySimpleName.has(AWS.dst);
  const problems: string[] = [];
  const columns = new Map<keyof typeof AWS | 'connections', ParquetColumn>();
  for (const field of mapping.keys())
    if (!(PARQUET_FIELDS as readonly string[]).includes(field))
      problems.push(`there is no field "${field}"; fields are ${PARQUET_FIELDS.join(', ')}`);
  const fields = isAws ? (Object.keys(AWS) as (keyof typeof AWS)[]) : PARQUET_FIELDS;
  for (const field of fields) {
    const mapped = mapping.get(field);
    const wanted = mapped ?? (isAws ? AWS[field as keyof typeof AWS] : field);
    const column =
      (mapped === undefined ? undefined : byName.get(mapped)) ??
      bySimpleName.get(wanted.toLowerCase().replaceAll('-', '_'));
    const [isFit, expected] = EXPECTED[field] as (typeof EXPECTED)[string];
    if (!column) {
      if (mapped !== undefined || (NEEDED as readonly string[]).includes(field))
        problems.push(`column "${wanted}" (${field}) is missing: expected ${expected}`);
    } else if (!isFit(column.type))
      problems.push(`column "${column.name}" (${field}) is ${column.type}: expected ${expected}`);
    else columns.set(field, column);
  }
  return problems.length > 0 ? { problems } : { isAws, columns };
}

/** What an address becomes: 2^32 and its value where it is IPv4; -1 where it is none. */
export const IPV4_FROM = 2 ** 32;

/** What a record is read from: whole numbers and codes, and addresses that are not IPv4 as texts. */
export const PARQUET_VALUES = [
  'start',
  'end',
  'src',
  'dst',
  'src_port',
  'dst_port',
  'protocol',
  'action',
  'packets',
  'bytes',
  'connections',
  'tcp_flags',
  'status',
  'feed',
  'src_text',
  'dst_text',
] as const;
export type ParquetValue = (typeof PARQUET_VALUES)[number];

/** The value of a row whose file has no column for it. */
export const WITHOUT_COLUMN: Readonly<Partial<Record<ParquetValue, number>>> = {
  end: -1,
  src_port: -1,
  action: 0,
  packets: 0,
  bytes: 0,
  connections: 1,
  tcp_flags: -1,
  status: 0,
  feed: -1,
};

/** A query, and which of its columns are what. What the file has no column for is not asked. */
export interface ParquetQuery {
  readonly sql: string;
  readonly values: readonly ParquetValue[];
}

/** Types whose every value fits an INTEGER. */
const SMALL = /^(?:TINYINT|SMALLINT|INTEGER|UTINYINT|USMALLINT)$/;

/**
 * The query that gives records as numbers, in the order of the file. action: ACTION; 3: another word. status: 0 OK, 1 NODATA,
 * 2 SKIPDATA, 3 another. feed: place in `feed_names`. -1: there is none. `table`: SQL. `small`: columns of 64 bits whose
 * values all fit an INTEGER, as the file's index says: half the bytes to move.
 */
export function parquetQuery(
  plan: ParquetPlan,
  table: string,
  utcOffsetMinutes: number,
  small: ReadonlySet<string>,
): ParquetQuery {
  const column = (field: keyof typeof AWS | 'connections'): string | null => {
    const name = plan.columns.get(field)?.name;
    return name === undefined ? null : quoted(name);
  };
  const number = (field: keyof typeof AWS | 'connections', missing = -1): string | null => {
    const of = plan.columns.get(field);
    if (of === undefined) return null;
    const type = SMALL.test(of.type) || (WHOLE.test(of.type) && small.has(of.name)) ? 'INTEGER' : 'DOUBLE';
    return `coalesce(${quoted(of.name)}::${type}, ${missing})`;
  };
  const time = (field: 'start' | 'end'): string | null => {
    const type = plan.columns.get(field)?.type;
    const name = column(field);
    if (name === null || type === undefined || !TIME.test(type)) return number(field);
    const shift = type === 'TIMESTAMP WITH TIME ZONE' ? 0 : utcOffsetMinutes * 60;
    return `coalesce(epoch(${name}::${shift === 0 && type.endsWith('ZONE') ? type : 'TIMESTAMP'}) - ${shift}, -1)`;
  };
  /** A chain of functions of one column, as an address below. */
  const word = (field: 'action' | 'status', codes: Readonly<Record<string, number>>): string | null => {
    const name = column(field);
    if (name === null) return null;
    const words = Object.keys(codes).map((text) => `'${text}'`);
    const place = `list_position([${words.join(', ')}], lower(${name}::VARCHAR))`;
    const code = `list_extract([${Object.values(codes).join(', ')}], ${place})`;
    return `coalesce(${code}, CASE WHEN ${name} IS NULL THEN 0 ELSE 3 END)::UTINYINT`;
  };
  const [src, srcText] = address(column('pkt_src'), column('src') as string);
  const [dst, dstText] = address(column('pkt_dst'), column('dst') as string);
  const feed = column('feed');
  const place = 'lambda v: enum_code(TRY_CAST(v AS feed_names))::INTEGER';
  const sql: Readonly<Record<ParquetValue, string | null>> = {
    start: time('start'),
    end: time('end'),
    src,
    dst,
    src_port: number('src_port'),
    dst_port: number('dst_port'),
    protocol: number('protocol'),
    action: word('action', ACTION_CODES),
    packets: number('packets', 0),
    bytes: number('bytes', 0),
    connections: number('connections', 1),
    tcp_flags: number('tcp_flags'),
    status: word('status', { ok: 0, '-': 0, nodata: 1, skipdata: 2 }),
    feed:
      feed === null
        ? null
        : `coalesce(list_extract(list_transform(list_value(${feed}::VARCHAR), ${place}), 1), -1)::INTEGER`,
    src_text: srcText,
    dst_text: dstText,
  };
  const values = PARQUET_VALUES.filter((value) => sql[value] !== null);
  return { sql: `SELECT ${values.map((value) => `${sql[value]} AS ${value}_`).join(', ')} FROM ${table}`, values };
}

/** The query that gives the names of columns of 64 bits whose values all fit an INTEGER, by the index of the file. */
export function smallColumnsQuery(path: string): string {
  const fits = (value: string): string => `TRY_CAST(${value} AS BIGINT) BETWEEN -2147483648 AND 2147483647`;
  return `SELECT path_in_schema FROM parquet_metadata(${path}) GROUP BY path_in_schema
    HAVING bool_and(coalesce((${fits('stats_min_value')}) AND (${fits('stats_max_value')}), false))`;
}

const ACTION_CODES: Readonly<Record<string, number>> = Object.fromEntries([
  ...['accept', 'accepted', 'allow', 'allowed', 'pass', 'permit', 'permitted'].map((word) => [word, 1]),
  ...['reject', 'rejected', 'deny', 'denied', 'drop', 'dropped', 'block', 'blocked'].map((word) => [word, 2]),
  ['-', 0],
  ['', 0],
]);

/** The query that gives the names of feeds; null: the file names none. */
export function feedsQuery(plan: ParquetPlan, table: string, most: number): string | null {
  const feed = plan.columns.get('feed');
  if (!feed) return null;
  const name = quoted(feed.name);
  return `SELECT DISTINCT ${name}::VARCHAR AS name FROM ${table} WHERE ${name} IS NOT NULL AND length(${name}::VARCHAR) BETWEEN 1 AND 200 ORDER BY name LIMIT ${most}`;
}

/**
 * An address as a number, and as a text where it is not IPv4. A chain of functions of one column: DuckDB works it out once
 * for each entry of the file's dictionary and not once a row.
 */
function address(packet: string | null, plain: string): readonly [number: string, text: string] {
  const own = ipv4(`${plain}::VARCHAR`);
  if (packet === null) {
    const other = `list_filter(list_value(${plain}::VARCHAR), lambda t: ${ipv4('t')} IS NULL)`;
    return [`coalesce(${own}, -1)`, `list_extract(${other}, 1)`];
  }
  const isOther = `contains(coalesce(${packet}::VARCHAR, ''), ':')`;
  const value = `CASE WHEN ${isOther} THEN -1 ELSE coalesce(${ipv4(`${packet}::VARCHAR`)}, ${own}, -1) END`;
  const text = `coalesce(nullif(${packet}::VARCHAR, '-'), ${plain}::VARCHAR)`;
  return [value, `CASE WHEN ${value} < 0 THEN ${text} END`];
}

/** 2^32 and the value of an IPv4 address, a DOUBLE; NULL where it is none. */
function ipv4(sql: string): string {
  // No leading zeros: some read them as octal. The 1 in front shows that there are four of them.
  const byte = "CASE WHEN v = '0' OR NOT starts_with(v, '0') THEN TRY_CAST(v AS UTINYINT)::DOUBLE END";
  const parts = `list_transform(string_split(${sql}, '.'), lambda v: ${byte})`;
  const number = `list_reduce(${parts}, lambda x, y: CASE WHEN x < ${IPV4_FROM} THEN x * 256 + y END, 1::DOUBLE)`;
  return `list_extract(list_filter(list_value(${number}), lambda n: n >= ${IPV4_FROM}), 1)`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
