import type { Transport } from '../model/endpoint.ts';
import type { HostFacts, UnnamedObservation } from '../model/observation.ts';
import { compareText } from '../util/compare.ts';
import { getOrMake } from '../util/get-or-make.ts';
import type { ImportFormat, ImportHead, ImportOptions } from './import-format.ts';
import { readJson } from './json.ts';
import { asArray, asObject, portOf, textOf, wholeOf } from './json-fields.ts';
import { readSocketAddress } from './socket-address.ts';
import { type ListingBuilder, newListing } from './socket-listing.ts';
import { namedHost } from './text-listing.ts';

/**
 * `Get-NetTCPConnection` and `Get-NetUDPEndpoint` of Windows through `ConvertTo-Json`: Windows PowerShell 5 and PowerShell 7,
 * whole objects or chosen properties, one object or many, several documents behind each other.
 */
export const powershell: ImportFormat = {
  name: 'powershell',
  title: 'PowerShell Get-NetTCPConnection, Get-NetUDPEndpoint (| ConvertTo-Json)',
  detect,
  read,
};

function detect({ text }: ImportHead): boolean {
  return (
    /^\s*[[{]/.test(text) &&
    /"LocalPort"\s*:/.test(text) &&
    /"(?:LocalAddress|OwningProcess|RemoteAddress|State)"\s*:/.test(text)
  );
}

/** Listen, as MSFT_NetTCPConnection numbers the states, and as -EnumsAsStrings or a text column writes it. */
const LISTEN = new Set(['2', 'listen']);

async function* read(input: AsyncIterable<Uint8Array>, options: ImportOptions): AsyncGenerator<UnnamedObservation> {
  const hosts = new Map<string, { host: HostFacts; listing: ListingBuilder }>();
  let isWhole = true;
  const report: ImportOptions['report'] = (problem) => {
    isWhole = false;
    options.report(problem);
  };
  for await (const { value, line, number, isCut } of readJson(input, { report })) {
    if (isCut) isWhole = false;
    for (const [item, place] of itemsOf(value, `record ${number}`)) {
      const name = serverOf(item) ?? options.host;
      const host = name === null ? namedHost(options, 'powershell') : { name, addresses: [], tags: [] };
      const own = getOrMake(hosts, host.name.toLowerCase(), () => ({
        host,
        listing: newListing({ format: 'powershell', host, observedAt: options.observedAt }, report),
      }));
      addItem(own.listing, item, { line, place });
    }
  }
  for (const [, { listing }] of [...hosts].sort(([a], [b]) => compareText(a, b))) {
    yield listing.finish({ partial: !isWhole });
  }
}

/** PowerShell 5 wraps arrays as `{"value": […], "Count": 3}` at times; scripts put both kinds into one object. */
function* itemsOf(value: unknown, place: string): Generator<readonly [Readonly<Record<string, unknown>>, string]> {
  const record = asObject(value);
  if (record && 'LocalPort' in record) {
    yield [record, place];
    return;
  }
  const lists = asArray(value) ? [value] : Object.values(record ?? {});
  for (const list of lists) {
    const inner =
      asArray(list) ??
      asArray(asObject(list)?.value) ??
      (asObject(list) && 'LocalPort' in (list as object) ? [list] : []);
    for (const [i, item] of inner.entries()) {
      const object = asObject(item);
      if (object && 'LocalPort' in object) yield [object, `${place}, item ${i + 1}`];
    }
  }
}

/** Name of the Windows machine: whole CIM objects carry it. */
function serverOf(item: Readonly<Record<string, unknown>>): string | null {
  const named = textOf(item.PSComputerName) ?? textOf(asObject(item.CimSystemProperties)?.ServerName);
  return named === undefined || named.toLowerCase() === 'localhost' ? null : named;
}

function addItem(
  listing: ListingBuilder,
  item: Readonly<Record<string, unknown>>,
  at: { readonly line: number; readonly place: string },
): void {
  const transport = transportOf(item);
  if (!transport) {
    listing.unreadable(null, { ...at, message: 'neither State nor the class says whether this is TCP or UDP' });
    return;
  }
  const state = (textOf(item.State) ?? textOf(asObject(item.State)?.value) ?? '').toLowerCase();
  if (transport === 'tcp' && state === '') {
    listing.unreadable(transport, {
      ...at,
      message: 'State is missing, so it is not known whether this port listens',
    });
    return;
  }
  if (transport === 'tcp' && !LISTEN.has(state)) return;
  listing.listed(transport);
  const port = portOf(item.LocalPort);
  const address = readSocketAddress(textOf(item.LocalAddress) ?? '', null);
  if (port === undefined || !address) {
    listing.unreadable(transport, { ...at, message: 'LocalAddress or LocalPort cannot be read' });
    return;
  }
  const pid = wholeOf(item.OwningProcess);
  const name = textOf(item.ProcessName);
  const exe = textOf(item.Path);
  const known = { ...(name !== undefined && { name }), ...(exe !== undefined && { exe }) };
  listing.add({ transport, port, ...address, processes: pid === undefined || pid === 0 ? [] : [{ pid, ...known }] });
}

/** By the class of a whole object; else by the properties, which only one of the two commands has. */
function transportOf(item: Readonly<Record<string, unknown>>): Transport | null {
  const className =
    textOf(asObject(item.CimSystemProperties)?.ClassName) ??
    textOf(asObject(item.CimClass)?.CimClassName) ??
    textOf(item.CimClass) ??
    '';
  if (/NetTCPConnection/i.test(className)) return 'tcp';
  if (/NetUDPEndpoint/i.test(className)) return 'udp';
  const protocol = textOf(item.Protocol)?.toLowerCase();
  if (protocol === 'tcp' || protocol === 'udp') return protocol;
  return 'State' in item || 'RemotePort' in item ? 'tcp' : null;
}
