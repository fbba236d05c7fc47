import type { IdentityNotice } from '../model/facts.ts';
import type { FindingDraft } from '../model/finding.ts';
import { listWords } from '../util/words.ts';
import type { Check } from './check.ts';

/** Hosts that the evidence names one by one. */
const MAX_NAMED = 20;

export const addressConflict: Check = {
  id: 'address-conflict',
  title: 'One address or machine-id, several hosts',
  severity: 'medium',
  rationale:
    'What answers on an address cannot be told to be one host or the other while two claim it, so a scan of it says nothing ' +
    'certain of either. Usually the inventory is out of date; it may also be an address taken by a machine that should not have it. ' +
    'Copies of one image that share a machine-id are confused in the same way.',
  remediation:
    'Find out which host has the address, correct the inventory or the machine, and import or scan again. Give each copy of an image a machine-id of its own.',
  estate({ identity = [] }) {
    return identity.flatMap((notice) =>
      notice.kind === 'address-conflict'
        ? [addressFinding(notice)]
        : notice.kind === 'clone'
          ? [cloneFinding(notice)]
          : [],
    );
  },
};

function addressFinding({ address, claims }: IdentityNotice & { kind: 'address-conflict' }): FindingDraft {
  const byHost = Map.groupBy(claims, (claim) => claim.host);
  const words = [...byHost].map(([host, own]) => {
    const by = own.map((claim) => (claim.by === 'observed' ? 'observed on it' : claim.by));
    return `${host} (${by.join(', ')})`;
  });
  return {
    subject: { kind: 'estate' },
    discriminator: `address ${address}`,
    message: `${address} is claimed by ${listWords(words)}.`,
    evidence: claims.slice(0, MAX_NAMED).map(({ host, by }) => ({ label: by, value: host })),
    remediation:
      `Find out which machine has ${address} (ip neigh, on a machine in that network). Correct the inventory and import it again ` +
      '(quietdoor assets import), or correct the machine and look again (sudo quietdoor scan local). An address that moves between hosts on purpose belongs to none of them in the inventory.',
  };
}

function cloneFinding({ machineId, hosts }: IdentityNotice & { kind: 'clone' }): FindingDraft {
  return {
    subject: { kind: 'estate' },
    discriminator: `machine-id ${machineId}`,
    severity: 'low',
    message: `${listWords(hosts)} have one machine-id and no address in common: they are copies of one image, and are told apart by their names alone.`,
    evidence: [
      { label: 'machine-id', value: machineId },
      { label: 'hosts', value: listWords(hosts, MAX_NAMED) },
    ],
    remediation:
      'On each copy: sudo rm /etc/machine-id && sudo systemd-machine-id-setup, restart it, then look again: sudo quietdoor scan local',
  };
}
