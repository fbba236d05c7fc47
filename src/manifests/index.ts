import { compose } from './compose.ts';
import { dockerfile } from './dockerfile.ts';
import { kubernetes } from './kubernetes.ts';
import type { ManifestFormat } from './manifest-format.ts';
import { oscal } from './oscal.ts';
import { systemdSocket } from './systemd-socket.ts';
import { terraform } from './terraform.ts';

/** Every deployment format, by hand: one line per file of this folder, the most particular ones first. */
export const manifestFormats: readonly ManifestFormat[] = [
  oscal,
  terraform,
  kubernetes,
  compose,
  systemdSocket,
  dockerfile,
];
