import type { Declaration } from '../model/declaration.ts';
import type { PortRange } from '../model/observation.ts';
import type { ManifestFormat, ManifestProblem, ManifestReading } from './manifest-format.ts';
import { addressOf, listOf, mapOf, portOf, shown, textOf, transportOf } from './parts.ts';
import { readYamlDocuments, type YamlDocument } from './yaml-documents.ts';

/** Docker Compose (compose-spec.io, 05-services.md: `ports`, `expose`, `network_mode`). */
export const compose: ManifestFormat = {
  name: 'compose',
  title: 'Docker Compose',
  detect: ({ name, text }) =>
    /^(docker-)?compose([.-].*)?\.ya?ml$/i.test(name) ||
    (/^services:/m.test(text) && !/^(apiVersion|kind):/m.test(text)),
  read(text, source): ManifestReading {
    const { documents, problems } = readYamlDocuments(text);
    const reading = { declarations: [] as Declaration[], problems: [...problems] };
    for (const document of documents) readProject(document, source, reading);
    return reading;
  },
};

interface Reading {
  readonly declarations: Declaration[];
  readonly problems: ManifestProblem[];
}

function readProject(document: YamlDocument, source: string, reading: Reading): void {
  const project = textOf(mapOf(document.value).name);
  if (mapOf(document.value).include !== undefined)
    reading.problems.push({
      message: 'include is not followed; import the files that it names too, or "docker compose config"',
      line: document.lineOf(['include']),
    });
  for (const [name, value] of Object.entries(mapOf(mapOf(document.value).services))) {
    const service = mapOf(value);
    const line = (path: readonly (string | number)[]) => document.lineOf(['services', name, ...path]);
    if (service.extends !== undefined)
      reading.problems.push({
        message: `service ${name}: extends is not followed; import the output of "docker compose config" instead`,
        line: line(['extends']),
      });
    const common = {
      source,
      format: 'compose',
      host: null,
      what: `service ${name}`,
      workload: `compose:${project === undefined ? '' : `${project}/`}${name}`,
    } as const;
    // Compose names containers PROJECT-SERVICE-1, or as container_name says.
    const container = textOf(service.container_name) ?? `${project ?? '*'}-${name}-*`;
    const isHost = textOf(service.network_mode) === 'host';
    const inside = isHost
      ? ({ reach: 'host', scope: 'host' } as const)
      : ({ reach: 'workload', scope: `container:${container}` } as const);

    for (const [i, item] of listOf(service.ports).entries()) {
      const at = line(['ports', i]);
      const port = readPort(item);
      if (typeof port === 'string') {
        reading.problems.push({ message: `service ${name}: ${port}`, line: at });
        continue;
      }
      const { published, target, transport, address, label } = port;
      const named = label === undefined ? {} : { service: label };
      const base = { ...common, ...named, line: at, transport };
      if (published && !isHost)
        reading.declarations.push({
          ...base,
          ports: [published],
          reach: 'host',
          ...(address === undefined ? {} : { address }),
        });
      reading.declarations.push({ ...base, ...inside, ports: [target] });
    }
    for (const [i, item] of listOf(service.expose).entries()) {
      const at = line(['expose', i]);
      const [ports, protocol = 'tcp'] = interpolate(textOf(item) ?? '').split('/');
      const range = portOf(ports);
      const transport = transportOf(protocol);
      if (range && transport) reading.declarations.push({ ...common, ...inside, line: at, transport, ports: [range] });
      else reading.problems.push({ message: `service ${name}: ${shown(item)} is no port to expose`, line: at });
    }
  }
}

interface Port {
  /** null: Docker chooses a free one. */
  readonly published: PortRange | null;
  readonly target: PortRange;
  readonly transport: Declaration['transport'];
  readonly address?: string;
  readonly label?: string;
}

/** `${NAME:-8080}` and `${NAME-8080}` stand for their default; what depends on the environment alone is left as it is. */
function interpolate(text: string): string {
  return text.replace(/\$\{[A-Za-z_]\w*:?-([^{}]*)\}/g, '$1');
}

/** `[[ADDRESS:]PUBLISHED:]TARGET[/PROTOCOL]`, or the long form; a sentence where it is neither. */
function readPort(item: unknown): Port | string {
  if (item !== null && typeof item === 'object') return readLongPort(mapOf(item));
  const text = interpolate(textOf(item) ?? '');
  if (text.includes('$')) return `${shown(item)} depends on a variable; import the output of "docker compose config"`;
  const [, head = '', protocol] = /^(.*?)(?:\/(\w+))?$/.exec(text) ?? [];
  const m = /^(?:(?:(\[[^\]]*\]|[^:]*):)?([\d-]*):)?([\d-]+)$/.exec(head);
  const target = portOf(m?.[3]);
  const published = m?.[2] ? portOf(m[2]) : null;
  const transport = protocol === undefined ? 'tcp' : transportOf(protocol);
  const address = m?.[1] === undefined ? undefined : addressOf(m[1]);
  if (!m || !target || !transport || (m[2] && !published) || (m[1] && address === undefined))
    return `${shown(item)} is no port; expected [[ADDRESS:]PUBLISHED:]TARGET[/tcp|udp]`;
  return { published, target, transport, ...(address === undefined ? {} : { address }) };
}

function readLongPort(item: Readonly<Record<string, unknown>>): Port | string {
  const plain = (value: unknown) => (typeof value === 'string' ? interpolate(value) : value);
  const target = portOf(plain(item.target));
  const published = item.published === undefined ? null : portOf(plain(item.published));
  const transport = item.protocol === undefined ? 'tcp' : transportOf(item.protocol);
  const address = item.host_ip === undefined ? undefined : addressOf(plain(item.host_ip));
  if (!target) return `target ${shown(item.target)} is no port`;
  if (item.published !== undefined && !published) return `published ${shown(item.published)} is no port`;
  if (!transport) return `protocol ${shown(item.protocol)} is none that has ports`;
  if (item.host_ip !== undefined && address === undefined) return `host_ip ${shown(item.host_ip)} is no address`;
  const label = textOf(item.name) ?? textOf(item.app_protocol);
  return {
    published,
    target,
    transport,
    ...(address === undefined ? {} : { address }),
    ...(label === undefined ? {} : { label }),
  };
}
