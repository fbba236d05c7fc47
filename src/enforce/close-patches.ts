import type { PortRange } from '../model/observation.ts';
import { formatPorts } from '../model/port-ranges.ts';
import type { CloseUnit } from './close-plan.ts';

/** A text that closes a port where it is declared. */
export interface ClosePatch {
  readonly kind: 'ansible' | 'compose' | 'kubernetes';
  /** What it is for, and how it is used. */
  readonly title: string;
  readonly text: string;
}

/** Text as a YAML scalar: JSON's form is YAML too. */
function yaml(text: string): string {
  return /^[A-Za-z][A-Za-z0-9_./@-]*$/.test(text) && !/^(y|n|yes|no|true|false|on|off|null)$/i.test(text)
    ? text
    : JSON.stringify(text.toWellFormed());
}

/** Tasks that do the same on every machine of a group. */
export function ansibleTasks(where: string, units: readonly CloseUnit[]): ClosePatch {
  const tasks = units.map(({ unit, disable, mask }) =>
    [
      `- name: ${JSON.stringify(`Close ${where}: ${unit}`)}`,
      '  ansible.builtin.systemd:',
      `    name: ${yaml(unit)}`,
      '    state: stopped',
      ...(disable ? ['    enabled: false'] : []),
      ...(mask ? ['    masked: true'] : []),
      '  become: true',
      '',
    ].join('\n'),
  );
  return { kind: 'ansible', title: 'Ansible tasks, for a role or a play', text: `---\n${tasks.join('')}` };
}

/** A published port of a Compose service. */
export interface ComposePort {
  readonly published: readonly PortRange[];
  readonly target: readonly PortRange[];
  readonly transport: string;
  readonly address?: string;
}

/**
 * A file that takes published ports away when it is given besides the others. `keep`: what stays published. `!override`
 * and `!reset` need Compose 2.24.4.
 */
export function composeOverride(service: string, port: number, keep: readonly ComposePort[]): ClosePatch {
  const items = keep.map(({ published, target, transport, address }) => {
    const host = address === undefined ? '' : `${address.includes(':') ? `[${address}]` : address}:`;
    const suffix = transport === 'tcp' ? '' : `/${transport}`;
    return `      - ${JSON.stringify(`${host}${formatPorts(published)}:${formatPorts(target)}${suffix}`)}\n`;
  });
  return {
    kind: 'compose',
    title: 'Compose override (Compose 2.24.4 or newer): docker compose -f compose.yaml -f compose.close.yaml up -d',
    text: `# Port ${port} is not published any more; the container keeps its own.\nservices:\n  ${yaml(service)}:\n${items.length === 0 ? '    ports: !reset []\n' : `    ports: !override\n${items.join('')}`}`,
  };
}

/** A declaration in a Kubernetes manifest: `Deployment`, `Service`... */
export interface KubernetesPort {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  /** null: a Service. */
  readonly container: string | null;
  readonly port: number;
  readonly transport: string;
  /** `host`: a hostPort or a node port; `workload`: inside the cluster. */
  readonly reach: string;
}

/** A strategic merge patch: lists of ports are merged by port, and `$patch: delete` takes one away. */
export function kubernetesPatch(at: KubernetesPort): ClosePatch {
  const protocol = at.transport.toUpperCase();
  const kind = at.kind.toLowerCase();
  const command = `kubectl -n ${at.namespace} patch ${kind} ${at.name} --type strategic --patch-file FILE`;
  if (at.container === null)
    return {
      kind: 'kubernetes',
      title: `Kubernetes: ${command}`,
      text: `spec:\n  ports:\n    - port: ${at.port}\n      protocol: ${protocol}\n      $patch: delete\n`,
    };
  const head = kind === 'pod' ? 'spec:\n' : 'spec:\n  template:\n    spec:\n';
  const indent = kind === 'pod' ? '  ' : '      ';
  return {
    kind: 'kubernetes',
    title: `Kubernetes: ${command}`,
    text: [
      `${head}${indent}containers:`,
      `${indent}  - name: ${yaml(at.container)}`,
      `${indent}    ports:`,
      `${indent}      - containerPort: ${at.port}`,
      `${indent}        protocol: ${protocol}`,
      `${indent}        $patch: delete`,
      '',
    ].join('\n'),
  };
}
