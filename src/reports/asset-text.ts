import type { Asset } from '../model/asset.ts';
import { listWords } from '../util/words.ts';

/** What the inventories say of a host, a line each; none where no inventory was imported. */
export function assetLines(assets: readonly Asset[] | undefined): readonly string[] {
  if (assets === undefined) return [];
  if (assets.length === 0) return ['this host is in no inventory'];
  return assets.map(({ name, source, owner, environment, zone, criticality, inactive, tags }) => {
    const parts = [
      owner === undefined ? 'no owner' : `owner ${owner}`,
      ...(environment === undefined ? [] : [environment]),
      ...(zone === undefined ? [] : [`zone ${zone}`]),
      ...(criticality === undefined ? [] : [`criticality ${criticality}`]),
      ...(tags.length === 0 ? [] : [`tags ${listWords(tags)}`]),
      ...(inactive === true ? ['listed as retired, planned or offline'] : []),
    ];
    return `${name}, by ${source}: ${parts.join(', ')}`;
  });
}
