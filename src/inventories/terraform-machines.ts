import { listOf, mapOf, textOf, type Values } from './values.ts';

/** Where a resource says its names, addresses and status. */
export interface Machine {
  readonly name: unknown;
  readonly names: readonly unknown[];
  readonly addresses: readonly unknown[];
  readonly status?: unknown;
}

type ReadMachine = (values: Values, interfaces: ReadonlyMap<string, readonly unknown[]>) => Machine;

/** Resources that are machines, as their providers' documentation names the attributes (registry.terraform.io). */
export const MACHINES: Readonly<Record<string, ReadMachine>> = {
  aws_instance: awsInstance,
  aws_spot_instance_request: awsInstance,
  aws_lightsail_instance: (v) => ({
    name: v.name,
    names: [],
    addresses: [v.private_ip_address, v.public_ip_address, ...listOf(v.ipv6_addresses)],
  }),
  azurerm_linux_virtual_machine: azureMachine,
  azurerm_windows_virtual_machine: azureMachine,
  azurerm_virtual_machine: azureMachine,
  google_compute_instance: googleInstance,
  google_compute_instance_from_template: googleInstance,
  vsphere_virtual_machine: (v) => ({
    name: v.name,
    names: [],
    addresses: [v.default_ip_address, ...listOf(v.guest_ip_addresses)],
    status: v.power_state === 'off' ? 'poweredoff' : v.power_state,
  }),
  openstack_compute_instance_v2: (v) => ({
    name: v.name,
    names: [],
    addresses: [
      v.access_ip_v4,
      v.access_ip_v6,
      ...listOf(v.network)
        .map(mapOf)
        .flatMap((n) => [n.fixed_ip_v4, n.fixed_ip_v6, n.floating_ip]),
    ],
    status: v.power_state,
  }),
  digitalocean_droplet: (v) => ({
    name: v.name,
    names: [],
    addresses: [v.ipv4_address_private, v.ipv4_address, v.ipv6_address],
    status: v.status,
  }),
  hcloud_server: (v) => ({
    name: v.name,
    names: [],
    addresses: [
      v.ipv4_address,
      v.ipv6_address,
      ...listOf(v.network)
        .map(mapOf)
        .flatMap((n) => [n.ip, ...listOf(n.alias_ips)]),
    ],
    status: v.status,
  }),
  linode_instance: (v) => ({
    name: v.label,
    names: [],
    addresses: [v.private_ip_address, v.ip_address, ...listOf(v.ipv4), v.ipv6],
    status: v.status,
  }),
  libvirt_domain: (v) => ({
    name: v.name,
    names: listOf(v.network_interface).map((n) => mapOf(n).hostname),
    addresses: listOf(v.network_interface).flatMap((n) => listOf(mapOf(n).addresses)),
    status: v.running === false ? 'stopped' : undefined,
  }),
  proxmox_vm_qemu: (v) => ({
    name: v.name,
    names: [],
    addresses: [v.default_ipv4_address, v.default_ipv6_address],
    status: v.vm_state,
  }),
  proxmox_virtual_environment_vm: (v) => ({
    name: v.name,
    names: [],
    addresses: [...listOf(v.ipv4_addresses), ...listOf(v.ipv6_addresses)].flatMap(listOf),
    status: v.started === false ? 'stopped' : undefined,
  }),
  oci_core_instance: (v) => ({
    name: v.display_name,
    names: [v.hostname_label],
    addresses: [v.private_ip, v.public_ip],
    status: v.state,
  }),
};

function awsInstance(v: Values): Machine {
  return {
    name: textOf(v.private_dns)?.split('.')[0] ?? v.id,
    names: [v.id, v.private_dns, v.public_dns],
    addresses: [v.private_ip, ...listOf(v.secondary_private_ips), v.public_ip, ...listOf(v.ipv6_addresses)],
    status: v.instance_state,
  };
}

function azureMachine(v: Values, interfaces: ReadonlyMap<string, readonly unknown[]>): Machine {
  return {
    name: v.name,
    names: [v.computer_name, ...listOf(v.os_profile).map((profile) => mapOf(profile).computer_name)],
    addresses: [
      v.private_ip_address,
      ...listOf(v.private_ip_addresses),
      v.public_ip_address,
      ...listOf(v.public_ip_addresses),
      ...listOf(v.network_interface_ids).flatMap((id) => interfaces.get((textOf(id) ?? '').toLowerCase()) ?? []),
    ],
  };
}

function googleInstance(v: Values): Machine {
  return {
    name: v.name,
    names: [v.hostname],
    addresses: listOf(v.network_interface)
      .map(mapOf)
      .flatMap((n) => [
        n.network_ip,
        n.ipv6_address,
        ...listOf(n.access_config).map((access) => mapOf(access).nat_ip),
        ...listOf(n.ipv6_access_config).map((access) => mapOf(access).external_ipv6),
      ]),
    status: v.current_status ?? v.desired_status,
  };
}
