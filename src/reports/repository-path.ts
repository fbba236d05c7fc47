/**
 * Path of a workspace file as seen from the top of the repository: code hosts place annotations by it. `folder` is where
 * the workspace lies in the repository, `''` at its top. Absolute paths stay; a path that leaves the repository stays too.
 */
export function repositoryPath(file: string, folder: string): string {
  if (file.startsWith('/') || folder === '') return file;
  const parts: string[] = [];
  for (const part of `${folder}/${file}`.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined) return file;
    } else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}
