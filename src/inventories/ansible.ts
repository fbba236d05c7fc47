import { readAnsibleIni } from './ansible/ini.ts';
import { type AnsibleHost, type AnsibleProblem, createInventory } from './ansible/inventory.ts';
import { readAnsibleYaml } from './ansible/yaml.ts';

export type { AnsibleHost, AnsibleProblem } from './ansible/inventory.ts';

/** Longest text that is read, in characters. */
const MAX_LENGTH = 64 * 1024 * 1024;

/**
 * Reads an Ansible inventory: INI, YAML, or the JSON of `ansible-inventory --list`, told apart by name and content.
 * Formats: https://docs.ansible.com/ansible/latest/inventory_guide/intro_inventory.html. Hosts are sorted by name. Never
 * throws: what could not be read is a problem with its place, and the rest is used. Templates (`{{ }}`) and vault values
 * are not evaluated; a variable that is one is left out.
 */
export function readAnsibleInventory(
  text: string,
  name: string,
): { hosts: AnsibleHost[]; problems: readonly AnsibleProblem[] } {
  const inventory = createInventory();
  if (text.length > MAX_LENGTH)
    inventory.report({ message: `the inventory is longer than ${MAX_LENGTH} characters and was not read` });
  else if (isYaml(text, name)) readAnsibleYaml(text, inventory);
  else readAnsibleIni(text, inventory);
  return inventory.finish();
}

/** By the ending of the name where it says so, else by the first line that says something. */
function isYaml(text: string, name: string): boolean {
  if (/\.(?:ya?ml|json)$/i.test(name)) return true;
  if (/\.(?:ini|cfg)$/i.test(name)) return false;
  const first = /^(?!\s*(?:#|;|$)).*$/m.exec(text)?.[0].trim() ?? '';
  return first === '---' || first.startsWith('{') || /^[\w.-]+:(?:\s|$)/.test(first);
}
