import type { Declaration } from '../model/declaration.ts';
import type { ManifestFormat, ManifestProblem, ManifestReading } from './manifest-format.ts';
import { addressOf, listOf, mapOf, portOf, shown, textOf, transportOf } from './parts.ts';
import { readYamlDocuments } from './yaml-documents.ts';

type Path = readonly (string | number)[];

/** Where the pod template of a kind lies (Kubernetes API reference, v1.30). */
const POD_SPECS: Readonly<Record<string, Path>> = {
  Pod: ['spec'],
  Deployment: ['spec', 'template', 'spec'],
  StatefulSet: ['spec', 'template', 'spec'],
  DaemonSet: ['spec', 'template', 'spec'],
  ReplicaSet: ['spec', 'template', 'spec'],
  ReplicationController: ['spec', 'template', 'spec'],
  Job: ['spec', 'template', 'spec'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
};

/** Kubernetes manifests, also as rendered by `helm template` or `kustomize build`: pods' and services' ports. */
export const kubernetes: ManifestFormat = {
  name: 'kubernetes',
  title: 'Kubernetes manifests',
  detect: ({ text }) => /^\s*"?apiVersion"?\s*:/m.test(text) && /^[\s-]*"?kind"?\s*:/m.test(text),
  read(text, source): ManifestReading {
    if (/^[^#\n]*\{\{[^}\n]*\}\}/m.test(text)) {
      const line = text.slice(0, text.search(/\{\{/)).split('\n').length;
      const message =
        'this is a Helm template that is not rendered; render it: helm template NAME CHART | quietdoor import -';
      return { declarations: [], problems: [{ message, line }] };
    }
    const { documents, problems } = readYamlDocuments(text);
    const reading = { declarations: [] as Declaration[], problems: [...problems] };
    for (const { value, lineOf } of documents) {
      const object = mapOf(value);
      if (String(object.kind).endsWith('List') && Array.isArray(object.items))
        for (const [i, item] of object.items.entries())
          readObject(item, (path) => lineOf(['items', i, ...path]), source, reading);
      else readObject(value, lineOf, source, reading);
    }
    return reading;
  },
};

interface Reading {
  readonly declarations: Declaration[];
  readonly problems: ManifestProblem[];
}

function readObject(value: unknown, lineOf: (path: Path) => number, source: string, reading: Reading): void {
  const object = mapOf(value);
  const kind = textOf(object.kind) ?? '';
  const { name: writtenName, namespace } = mapOf(object.metadata);
  const name = textOf(writtenName) ?? '(no name)';
  const space = textOf(namespace) ?? 'default';
  const common = {
    source,
    format: 'kubernetes',
    host: null,
    workload: `kubernetes:${space}/${kind.toLowerCase()}/${name}`,
  } as const;
  const path = Object.hasOwn(POD_SPECS, kind) ? POD_SPECS[kind] : undefined;
  if (path) readPod(path);
  else if (kind === 'Service') readService();

  function readPod(at: Path): void {
    const spec = mapOf(at.reduce<unknown>((part, step) => mapOf(part)[step], value));
    const isHost = spec.hostNetwork === true;
    // A pod carries the name of its workload with a suffix; a Pod its own.
    const scope = `pod:${space}/${kind === 'Pod' ? name : `${name}-*`}`;
    for (const list of ['initContainers', 'containers'] as const)
      for (const [i, item] of listOf(spec[list]).entries()) {
        const container = mapOf(item);
        const what = `${kind} ${space}/${name}, container ${textOf(container.name) ?? i}`;
        for (const [n, raw] of listOf(container.ports).entries()) {
          const line = lineOf([...at, list, i, 'ports', n]);
          const port = mapOf(raw);
          const inside = portOf(port.containerPort);
          const transport = port.protocol === undefined ? 'tcp' : transportOf(port.protocol);
          if (!inside || !transport) {
            const wrong = inside ? `protocol ${shown(port.protocol)}` : `containerPort ${shown(port.containerPort)}`;
            reading.problems.push({ message: `${what}: ${wrong} is not one`, line });
            continue;
          }
          const label = textOf(port.name);
          const base = { ...common, what, line, transport, ...(label === undefined ? {} : { service: label }) };
          const onHost = isHost ? inside : portOf(port.hostPort);
          if (onHost) {
            const address = addressOf(port.hostIP);
            const bound = address === undefined ? {} : { address };
            reading.declarations.push({ ...base, ports: [onHost], reach: 'host', ...bound });
          }
          if (!isHost) reading.declarations.push({ ...base, ports: [inside], reach: 'workload', scope });
        }
      }
  }

  /** A service's own port is an address of the cluster's; what listens is its target, and the node port on every node. */
  function readService(): void {
    const what = `Service ${space}/${name}`;
    const spec = mapOf(object.spec);
    for (const [i, raw] of listOf(spec.ports).entries()) {
      const line = lineOf(['spec', 'ports', i]);
      const port = mapOf(raw);
      const own = portOf(port.port);
      const transport = port.protocol === undefined ? 'tcp' : transportOf(port.protocol);
      if (!own || !transport) {
        const wrong = own ? `protocol ${shown(port.protocol)}` : `port ${shown(port.port)}`;
        reading.problems.push({ message: `${what}: ${wrong} is not one`, line });
        continue;
      }
      const label = textOf(port.name);
      const base = { ...common, what, line, transport, ...(label === undefined ? {} : { service: label }) };
      const node = portOf(port.nodePort);
      if (node) reading.declarations.push({ ...base, ports: [node], reach: 'host' });
      // A target by name is declared by the container that has the name.
      const target = port.targetPort === undefined ? own : portOf(port.targetPort);
      if (target && textOf(spec.type) !== 'ExternalName')
        reading.declarations.push({ ...base, ports: [target], reach: 'workload', scope: `pod:${space}/*` });
    }
  }
}
