import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repositoryPath } from './repository-path.ts';

const cases: readonly { file: string; folder: string; want: string }[] = [
  { file: 'register/a.yaml', folder: '', want: 'register/a.yaml' },
  { file: 'register/a.yaml', folder: 'ports', want: 'ports/register/a.yaml' },
  { file: '../standard/a.yaml', folder: 'teams/ports', want: 'teams/standard/a.yaml' },
  { file: '../../../outside.yaml', folder: 'teams/ports', want: '../../../outside.yaml' },
  { file: '/etc/standard.yaml', folder: 'ports', want: '/etc/standard.yaml' },
];

for (const { file, folder, want } of cases)
  test(`repositoryPath ${file} in "${folder}"`, () => assert.equal(repositoryPath(file, folder), want));
