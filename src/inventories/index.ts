import { ansibleAssets } from './ansible-assets.ts';
import type { AssetFormat } from './asset-format.ts';
import { csv } from './csv.ts';
import { netbox } from './netbox.ts';
import { terraform } from './terraform.ts';

/** Every format of asset inventories, by hand: the most particular first. */
export const assetFormats: readonly AssetFormat[] = [terraform, netbox, ansibleAssets, csv];
