import type { PackageFacts } from '../listener.ts';
import { compareApkVersions } from './apk.ts';
import { compareDpkgVersions } from './dpkg.ts';
import { compareRpmVersions } from './rpm.ts';

/** Orders two versions of one package manager: negative where the first is older, 0, positive. */
export type CompareVersions = (a: string, b: string) => number;

const COMPARE: Readonly<Record<PackageFacts['manager'], CompareVersions>> = {
  dpkg: compareDpkgVersions,
  rpm: compareRpmVersions,
  apk: compareApkVersions,
};

/** The order in which a package manager puts its versions. */
export function versionOrder(manager: PackageFacts['manager']): CompareVersions {
  return COMPARE[manager];
}
