import type { Declaration } from '../model/declaration.ts';
import type { Transport } from '../model/endpoint.ts';
import type { PortRange } from '../model/observation.ts';
import type { ManifestFormat, ManifestProblem, ManifestReading } from './manifest-format.ts';
import { addressOf, listOf, mapOf, portOf, shown, textOf, transportOf } from './parts.ts';

type Values = Readonly<Record<string, unknown>>;

/** What a resource declares, before it is known which resource. A text is a problem. */
interface Port {
  readonly ports: unknown;
  readonly transport: unknown;
  readonly reach: Declaration['reach'];
  readonly scope?: string;
  readonly address?: unknown;
  readonly service?: unknown;
}

/** `terraform show -json` of a plan or a state (developer.hashicorp.com/terraform/internals/json-format). */
export const terraform: ManifestFormat = {
  name: 'terraform',
  title: 'terraform show -json (plan or state)',
  detect: ({ text }) =>
    /^\s*\{/.test(text) && /"format_version"\s*:/.test(text) && /"terraform_version"\s*:/.test(text),
  read(text, source): ManifestReading {
    const declarations: Declaration[] = [];
    const problems: ManifestProblem[] = [];
    let document: Values;
    try {
      document = mapOf(JSON.parse(text));
    } catch (error) {
      return { declarations, problems: [{ message: `no valid JSON: ${(error as Error).message}` }] };
    }
    const root = mapOf(mapOf(document.planned_values ?? document.values).root_module);
    for (const { type, address, values } of resourcesOf(root)) {
      const read = Object.hasOwn(RESOURCES, type) ? RESOURCES[type] : undefined;
      for (const port of read?.(values) ?? []) {
        const ranges = rangesOf(port.ports);
        const transport = port.transport === null ? null : transportOf(port.transport);
        if (!ranges || (port.transport !== null && transport === null)) {
          const what = ranges ? `protocol ${shown(port.transport)}` : `port ${shown(port.ports)}`;
          const isUnknown = port.ports === undefined || port.ports === null;
          problems.push({
            message: isUnknown ? 'its port is only known after apply' : `${what} is not one`,
            place: address,
          });
          continue;
        }
        const bound = addressOf(port.address);
        const service = textOf(port.service);
        declarations.push({
          source,
          format: 'terraform',
          host: null,
          what: address,
          workload: `terraform:${address}`,
          transport: transport as Transport | null,
          ports: ranges,
          reach: port.reach,
          ...(port.scope === undefined ? {} : { scope: port.scope }),
          ...(bound === undefined ? {} : { address: bound }),
          ...(service === undefined ? {} : { service }),
        });
      }
    }
    return { declarations, problems };
  },
};

/** Every managed resource, of child modules too. */
function* resourcesOf(root: Values): Iterable<{ type: string; address: string; values: Values }> {
  const modules: Values[] = [root];
  for (let module = modules.shift(); module; module = modules.shift()) {
    for (const item of listOf(module.resources)) {
      const { type, address, values, mode } = mapOf(item);
      if (mode === 'data') continue;
      yield { type: textOf(type) ?? '', address: textOf(address) ?? '(no address)', values: mapOf(values) };
    }
    modules.push(...listOf(module.child_modules).map(mapOf));
  }
}

function rangesOf(ports: unknown): readonly PortRange[] | null {
  const ranges = (Array.isArray(ports) ? ports : [ports]).map(portOf);
  return ranges.length > 0 && ranges.every((range) => range !== null) ? ranges : null;
}

/** Resources that declare where something listens or is let through; one line per type. */
const RESOURCES: Readonly<Record<string, (values: Values) => readonly Port[]>> = {
  docker_container: (v) => listOf(v.ports).map(mapOf).flatMap(dockerPorts),
  aws_ecs_task_definition: ecsPorts,
  aws_lb_listener: (v) => [{ ports: v.port, transport: loadBalancerTransport(v.protocol), reach: 'unknown' }],
  aws_lb_target_group: (v) => [{ ports: v.port, transport: loadBalancerTransport(v.protocol), reach: 'host' }],
  aws_db_instance: (v) => [{ ports: v.port, transport: 'tcp', reach: 'host', service: v.engine }],
  aws_rds_cluster: (v) => [{ ports: v.port, transport: 'tcp', reach: 'host', service: v.engine }],
  aws_elasticache_cluster: (v) => [{ ports: v.port, transport: 'tcp', reach: 'host', service: v.engine }],
  aws_security_group: (v) => listOf(v.ingress).map(mapOf).flatMap(ingressPorts),
  aws_security_group_rule: (v) => (v.type === 'ingress' ? ingressPorts(v) : []),
  aws_vpc_security_group_ingress_rule: (v) => ingressPorts({ ...v, protocol: v.ip_protocol }),
  google_compute_firewall: (v) => (v.direction === 'EGRESS' ? [] : listOf(v.allow).map(mapOf).flatMap(googlePorts)),
  azurerm_network_security_rule: azurePorts,
  azurerm_network_security_group: (v) => listOf(v.security_rule).map(mapOf).flatMap(azurePorts),
  kubernetes_service: kubernetesServicePorts,
  kubernetes_service_v1: kubernetesServicePorts,
};

function dockerPorts(v: Values): readonly Port[] {
  const transport = v.protocol ?? 'tcp';
  const inside: Port = { ports: v.internal, transport, reach: 'workload', scope: 'container:*' };
  return v.external ? [{ ports: v.external, transport, reach: 'host', address: v.ip }, inside] : [inside];
}

function ecsPorts(v: Values): readonly Port[] {
  let containers: unknown;
  try {
    containers = JSON.parse(typeof v.container_definitions === 'string' ? v.container_definitions : '[]');
  } catch {
    return [{ ports: 'container_definitions', transport: 'tcp', reach: 'unknown' }];
  }
  return listOf(containers).flatMap((container) =>
    listOf(mapOf(container).portMappings)
      .map(mapOf)
      .flatMap((m): Port[] => {
        const transport = m.protocol ?? 'tcp';
        const inside: Port = { ports: m.containerPort, transport, reach: 'workload', scope: 'container:*' };
        return m.hostPort ? [{ ports: m.hostPort, transport, reach: 'host' }, inside] : [inside];
      }),
  );
}

const LAYER_4: Readonly<Record<string, string | null>> = { TCP_UDP: null, UDP: 'udp', TCP: 'tcp' };

/** HTTP, HTTPS and TLS listeners are TCP (Elastic Load Balancing, `protocol`). */
function loadBalancerTransport(protocol: unknown): string | null {
  const name = textOf(protocol) ?? '';
  return Object.hasOwn(LAYER_4, name) ? (LAYER_4[name] as string | null) : 'tcp';
}

/** Protocol -1 lets everything through; ICMP and others have no ports. */
function ingressPorts(v: Values): readonly Port[] {
  const protocol = textOf(v.protocol)?.toLowerCase() ?? '';
  if (protocol === '-1' || protocol === 'all') return [{ ports: '1-65535', transport: null, reach: 'host' }];
  const transport = { '6': 'tcp', '17': 'udp', '132': 'sctp' }[protocol] ?? protocol;
  if (transportOf(transport) === null) return [];
  const from = v.from_port === 0 ? 1 : v.from_port;
  return [{ ports: from === undefined ? undefined : `${from}-${v.to_port ?? from}`, transport, reach: 'host' }];
}

function googlePorts(v: Values): readonly Port[] {
  const protocol = textOf(v.protocol)?.toLowerCase() ?? '';
  if (protocol !== 'all' && transportOf(protocol) === null) return [];
  const ports = listOf(v.ports);
  const transport = protocol === 'all' ? null : protocol;
  return [{ ports: ports.length > 0 ? ports : '1-65535', transport, reach: 'host' }];
}

function azurePorts(v: Values): readonly Port[] {
  if (textOf(v.direction) !== 'Inbound' || textOf(v.access) !== 'Allow') return [];
  const protocol = textOf(v.protocol)?.toLowerCase() ?? '';
  if (protocol !== '*' && transportOf(protocol) === null) return [];
  const several = listOf(v.destination_port_ranges);
  const ports = several.length > 0 ? several : v.destination_port_range;
  return [{ ports: ports === '*' ? '1-65535' : ports, transport: protocol === '*' ? null : protocol, reach: 'host' }];
}

function kubernetesServicePorts(v: Values): readonly Port[] {
  return listOf(v.spec)
    .flatMap((spec) => listOf(mapOf(spec).port).map(mapOf))
    .flatMap((p): Port[] => {
      const transport = p.protocol ?? 'tcp';
      const target = portOf(p.target_port) ? p.target_port : p.port;
      const inside: Port = { ports: target, transport, reach: 'workload', scope: 'pod:*', service: p.name };
      return p.node_port ? [{ ports: p.node_port, transport, reach: 'host', service: p.name }, inside] : [inside];
    });
}
