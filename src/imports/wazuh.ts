import type { Transport } from '../model/endpoint.ts';
import type { HostFacts, UnnamedObservation } from '../model/observation.ts';
import { compareText } from '../util/compare.ts';
import type { ImportFormat, ImportHead, ImportOptions } from './import-format.ts';
import { readJson } from './json.ts';
import { asArray, asObject, portOf, textOf, wholeOf } from './json-fields.ts';
import { readSocketAddress } from './socket-address.ts';
import { type ListingBuilder, newListing } from './socket-listing.ts';
import { namedHost } from './text-listing.ts';

/**
 * Port inventory of Wazuh's syscollector: the answer of the server API (`GET /syscollector/{agent}/ports`), or of a search
 * in the indexer (`wazuh-states-inventory-ports-*`).
 */
export const wazuh: ImportFormat = {
  name: 'wazuh',
  title: 'Wazuh port inventory (API /syscollector/{agent}/ports, indexer search)',
  detect,
  read,
};

function detect({ text }: ImportHead): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  return (
    (/"affected_items"\s*:/.test(text) && /"(?:local|inode|protocol)"\s*:/.test(text)) ||
    (/"_source"\s*:/.test(text) &&
      /"agent"\s*:/.test(text) &&
      /"transport"\s*:/.test(text) &&
      /"source"\s*:/.test(text))
  );
}

interface Item {
  /** `name`: as the indexer has it; else only the agent's number is known. */
  readonly agent: { readonly id?: string; readonly name?: string; readonly addresses: readonly string[] };
  readonly at: number | undefined;
  readonly protocol: string;
  readonly state: string | undefined;
  readonly address: string;
  readonly port: unknown;
  readonly remotePort: unknown;
  readonly pid: number | undefined;
  readonly process: string | undefined;
}

async function* read(input: AsyncIterable<Uint8Array>, options: ImportOptions): AsyncGenerator<UnnamedObservation> {
  const items: { readonly item: Item; readonly place: string }[] = [];
  let isWhole = true;
  const report: ImportOptions['report'] = (problem) => {
    isWhole = false;
    options.report(problem);
  };
  for await (const { value, number, isCut } of readJson(input, { report })) {
    const answer = itemsOf(value);
    if (!answer) {
      report({
        place: `record ${number}`,
        message: 'neither an answer of the Wazuh API nor of its indexer was found here',
      });
      continue;
    }
    // A page is a part: what lies on the others was not looked at.
    if (isCut || (answer.total !== undefined && answer.total > answer.items.length)) isWhole = false;
    for (const [i, raw] of answer.items.entries()) {
      const place = `record ${number}, item ${i + 1}`;
      const item = readItem(raw);
      if (item) items.push({ item, place });
      else report({ place, message: 'this is no port as Wazuh lists them' });
    }
  }
  yield* observeAll(items, isWhole, options);
}

function itemsOf(value: unknown): { readonly items: readonly unknown[]; readonly total: number | undefined } | null {
  const record = asObject(value);
  const data = asObject(record?.data) ?? record;
  const affected = asArray(data?.affected_items);
  if (affected) return { items: affected, total: wholeOf(data?.total_affected_items) };
  const hits = asObject(record?.hits);
  const list = asArray(hits?.hits);
  if (list) return { items: list, total: wholeOf(asObject(hits?.total)?.value) ?? wholeOf(hits?.total) };
  return record && asObject(record._source) ? { items: [record], total: undefined } : null;
}

function readItem(raw: unknown): Item | null {
  const record = asObject(raw);
  const hit = asObject(record?._source);
  if (hit) {
    const [agent, source, host] = [
      asObject(hit.agent) ?? asObject(asObject(hit.wazuh)?.agent),
      asObject(hit.source),
      asObject(asObject(hit.agent)?.host),
    ];
    if (!source) return null;
    const ip = textOf(host?.ip) ?? asArray(host?.ip)?.map(textOf);
    return {
      agent: agentOf(textOf(agent?.id), textOf(agent?.name), Array.isArray(ip) ? ip : [ip]),
      at: timeOf(asObject(hit.state)?.modified_at) ?? timeOf(hit['@timestamp']),
      protocol: textOf(asObject(hit.network)?.transport) ?? '',
      state: textOf(asObject(hit.interface)?.state),
      address: textOf(source.ip) ?? '',
      port: source.port,
      remotePort: asObject(hit.destination)?.port,
      pid: wholeOf(asObject(hit.process)?.pid),
      process: textOf(asObject(hit.process)?.name),
    };
  }
  const local = asObject(record?.local);
  if (!record || !local) return null;
  return {
    agent: agentOf(textOf(record.agent_id), undefined, []),
    at: timeOf(asObject(record.scan)?.time),
    protocol: textOf(record.protocol) ?? '',
    state: textOf(record.state),
    address: textOf(local.ip) ?? '',
    port: local.port,
    remotePort: asObject(record.remote)?.port,
    pid: wholeOf(record.pid),
    process: textOf(record.process),
  };
}

function agentOf(
  id: string | undefined,
  name: string | undefined,
  ips: readonly (string | undefined)[],
): Item['agent'] {
  const addresses = ips.flatMap((ip) => (ip === undefined ? [] : (readSocketAddress(ip, null)?.address ?? [])));
  return { ...(id !== undefined && { id }), ...(name !== undefined && { name }), addresses };
}

/** `2024-05-04T10:11:12Z`, or `2024/05/04 10:11:12`, which Wazuh writes in UTC. */
function timeOf(value: unknown): number | undefined {
  const found = /^(\d{4})[-/](\d{2})[-/](\d{2})[T ](\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)(Z|[+-]\d{2}:?\d{2})?$/.exec(
    textOf(value) ?? '',
  );
  const ms = found ? Date.parse(`${found[1]}-${found[2]}-${found[3]}T${found[4]}${found[5] ?? 'Z'}`) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** One observation for each agent. */
function* observeAll(
  items: readonly { readonly item: Item; readonly place: string }[],
  isWhole: boolean,
  options: ImportOptions,
): Generator<UnnamedObservation> {
  const byAgent = Map.groupBy(items, ({ item }) => item.agent.name ?? `agent ${item.agent.id ?? ''}`);
  const isOne = byAgent.size === 1;
  for (const [, own] of [...byAgent].sort(([a], [b]) => compareText(a, b))) {
    const { agent } = (own[0] as (typeof own)[number]).item;
    if (agent.name === undefined && !isOne) {
      options.report({
        place: own[0]?.place ?? '',
        message: `agent ${agent.id ?? '?'} is named by its number only; export one agent a file with --host, or from the indexer`,
      });
      continue;
    }
    const host: HostFacts =
      agent.name === undefined
        ? namedHost(options, 'wazuh')
        : {
            name: agent.name,
            addresses: [...new Set(own.flatMap(({ item }) => item.agent.addresses))].sort(compareText),
            tags: [],
          };
    // Wazuh keeps what an agent said last, also of one that is gone: the newest row shows when it was surely looked.
    const observedAt =
      own.reduce<number | undefined>(
        (max, { item }) => (item.at === undefined ? max : Math.max(max ?? 0, item.at)),
        undefined,
      ) ?? options.observedAt;
    const listing = newListing({ format: 'wazuh', host, observedAt }, options.report);
    for (const { item, place } of own) addItem(listing, item, place);
    yield listing.finish({ partial: !isWhole });
  }
}

function addItem(listing: ListingBuilder, item: Item, place: string): void {
  const found = /^(tcp|udp)6?$/.exec(item.protocol.toLowerCase());
  if (!found) {
    listing.unreadable(null, {
      place,
      message: `its protocol "${item.protocol.slice(0, 20)}" is neither tcp nor udp`,
    });
    return;
  }
  const transport = found[1] as Transport;
  const isListening =
    transport === 'tcp' ? item.state?.toLowerCase() === 'listening' : (wholeOf(item.remotePort) ?? 0) === 0;
  if (!isListening) return;
  listing.listed(transport);
  const port = portOf(item.port);
  const address = readSocketAddress(item.address, null);
  if (port === undefined || !address) {
    listing.unreadable(transport, { place, message: 'its local address or port cannot be read' });
    return;
  }
  const pid = item.pid === undefined || item.pid === 0 ? undefined : item.pid;
  const processes = pid === undefined ? [] : [{ pid, ...(item.process !== undefined && { name: item.process }) }];
  listing.add({ transport, port, ...address, processes });
}
