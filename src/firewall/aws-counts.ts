import { addStatements } from '../model/ruleset.ts';
import type { AwsInventory, AwsPermission, AwsReading } from './aws-inventory.ts';
import { createPeers } from './aws-peers.ts';

/**
 * Whom a permission means by a group or a prefix list shows only when every file was read: what stays open was counted as
 * modelled, and is unsupported.
 */
export function countOpenPeers(inventory: AwsInventory, readingOf: (file: string) => AwsReading | undefined): void {
  const peers = createPeers(inventory);
  for (const { permissions } of inventory.groups.values())
    for (const permission of permissions) {
      const reason = permission.peer.kind === 'unknown' ? null : peers.openReason(permission.peer);
      const reading = readingOf(permission.at.file);
      if (reason === null || reading === undefined || !wasModelled(permission)) continue;
      reading.statements = addStatements(reading.statements, { ...NONE, modelled: -1, unsupported: 1 });
      const { text, at } = permission;
      reading.notes.push({ status: 'unsupported', text, reason, at, rule: null });
    }
}

const NONE = { modelled: 0, irrelevant: 0, unsupported: 0, unrecognised: 0 };

function wasModelled({ protocol, ports, icmpType, doubt }: AwsPermission): boolean {
  const isLater = typeof protocol === 'object' || (ports !== null && 'kind' in ports);
  return !isLater && !icmpType && doubt === null;
}
