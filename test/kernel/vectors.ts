import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { formatAddress } from '../../src/model/address.ts';
import type { Observation } from './run-case.ts';
import { address } from './vocabulary.ts';

/**
 * What the kernel did, written down for machines that may not make namespaces. Per group: the slice, and the probes as
 * `source sourcePort passed`; what they had become is left out.
 */
interface StoredObservation {
  readonly files: Observation['files'];
  readonly aspect: Observation['aspect'];
  readonly groups: ReadonlyArray<{
    readonly transport: 'tcp' | 'udp';
    readonly destination: string;
    readonly port: number;
    readonly wire: 0 | 1;
    readonly probes: readonly string[];
  }>;
}

export function saveVectors(file: string, observations: readonly Observation[]): void {
  const stored = observations.map(
    ({ files, aspect, groups }): StoredObservation => ({
      files,
      aspect,
      groups: groups.map(({ slice, probes }) => ({
        transport: slice.transport,
        destination: formatAddress(slice.destination),
        port: slice.destinationPort,
        wire: slice.wire,
        probes: probes.map(
          ({ probe, passed }) => `${formatAddress(probe.source)} ${probe.sourcePort} ${passed ? 1 : 0}`,
        ),
      })),
    }),
  );
  writeFileSync(file, gzipSync(JSON.stringify(stored), { level: 9 }));
}

export function readVectors(file: string): Observation[] {
  const stored = JSON.parse(gunzipSync(readFileSync(file)).toString()) as StoredObservation[];
  return stored.map(({ files, aspect, groups }) => ({
    files,
    aspect,
    complete: true,
    groups: groups.map((group) => {
      const slice = {
        transport: group.transport,
        destination: address(group.destination),
        destinationPort: group.port,
        wire: group.wire,
      };
      const probes = group.probes.map((text) => {
        const [source = '', port, passed] = text.split(' ');
        return {
          probe: { ...slice, source: address(source), sourcePort: Number(port) },
          passed: passed === '1',
          as: null,
        };
      });
      return { slice, probes };
    }),
  }));
}
