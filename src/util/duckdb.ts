import type { DuckDBConnection } from '@duckdb/node-api';

export type { DuckDBAppender, DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';

export interface DuckDbOptions {
  /** Folders that may be read and written in. */
  readonly folders: readonly string[];
  /** Single files that may be read. */
  readonly files?: readonly string[];
  /** Folder for what does not fit into memory: made when it is needed, removed when it is closed. */
  readonly spill: string;
  readonly memoryMb: number;
  readonly threads: number;
  /** Rows come in the order of the files; that takes some memory. */
  readonly isOrdered?: boolean;
}

/** A database in memory. */
export interface DuckDb extends Disposable {
  readonly api: typeof import('@duckdb/node-api');
  /** Another connection: each runs one statement at a time. Closed with the database. */
  connect(): Promise<DuckDBConnection>;
  close(): void;
}

/** The library is not here: no package for this platform, or it was not installed. */
export class DuckDbMissing extends Error {}

/**
 * Opens a database in memory that reaches nothing but what it is told: no extension is loaded, no other file opened, no
 * setting changed afterwards. The library is loaded here and not before: it costs 0.1 s. Throws DuckDbMissing.
 */
export async function openDuckDb(options: DuckDbOptions): Promise<DuckDb> {
  const api = await loadDuckDb();
  const instance = await api.DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    memory_limit: `${options.memoryMb}MB`,
    threads: String(options.threads),
    temp_directory: options.spill,
    preserve_insertion_order: String(options.isOrdered ?? false),
  });
  const connections = new Set<DuckDBConnection>();
  const close = (): void => {
    for (const connection of connections) connection.closeSync();
    instance.closeSync();
  };
  const connect = async (): Promise<DuckDBConnection> => {
    const connection = await instance.connect();
    connections.add(connection);
    return connection;
  };
  try {
    const connection = await connect();
    const folders = options.folders.map((folder) => (folder.endsWith('/') ? folder : `${folder}/`));
    await connection.run(`SET allowed_directories = [${folders.map(sqlText).join(', ')}]`);
    await connection.run(`SET allowed_paths = [${(options.files ?? []).map(sqlText).join(', ')}]`);
    await connection.run('SET enable_external_access = false');
    await connection.run('SET lock_configuration = true');
    return { api, connect, close, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Loads the library. Throws DuckDbMissing with what to do. */
export async function loadDuckDb(): Promise<typeof import('@duckdb/node-api')> {
  try {
    return await import('@duckdb/node-api');
  } catch (error) {
    const place = `${process.platform} ${process.arch}`;
    throw new DuckDbMissing(`DuckDB cannot be loaded on ${place}: ${(error as Error).message.split('\n')[0]}`, {
      cause: error,
    });
  }
}

/** A text as SQL writes it. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
