import { printable, printableJson } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { paint, wrap } from './text-table.ts';

/** How a port would be closed, as it is shown. */
export interface ClosingView {
  readonly endpoint: string;
  readonly listeners: ReadonlyArray<{
    readonly address: string;
    readonly process: string | null;
    readonly unit: string | null;
  }>;
  readonly units: ReadonlyArray<{ readonly unit: string; readonly activeState: string; readonly fileState: string }>;
  readonly commands: readonly string[];
  readonly undo: readonly string[];
  readonly refused: readonly string[];
  readonly notes: readonly string[];
  readonly patches: ReadonlyArray<{ readonly kind: string; readonly title: string; readonly text: string }>;
}

/** What would close a port, as `table` or `json`. */
export function renderClosing(view: ClosingView, format: string, { width, color }: RenderOptions): string {
  if (format === 'json') return `${printableJson({ schemaVersion: 1, ...view }, 2)}\n`;
  if (format !== 'table') throw new Error(`closing a port has no format ${format}`);
  const head = (text: string) => ['', paint('bold', text, color)];
  const list = (lines: readonly string[]) =>
    lines.flatMap((line) => wrap(line, width - 4).map((part, i) => `${i === 0 ? '  - ' : '    '}${part}`));
  const lines = [
    paint('bold', `Close ${printable(view.endpoint)}`, color),
    ...view.listeners.map((l) =>
      printable(
        `  listens on ${l.address}: ${l.process ?? 'a process that is not visible'}${l.unit === null ? '' : `, ${l.unit}`}`,
      ),
    ),
  ];
  if (view.refused.length > 0) lines.push('', paint('red', 'Not done here:', color), ...list(view.refused));
  if (view.units.length > 0)
    lines.push(
      ...head('Would run, as root'),
      ...view.commands.map((command) => `  ${printable(command)}`),
      ...head('Undo'),
      ...view.undo.map((command) => `  ${printable(command)}`),
      ...head('As they are now'),
      ...view.units.map(
        (u) => `  ${printable(u.unit)}: ${u.activeState}, ${u.fileState === '' ? 'without a file' : u.fileState}`,
      ),
    );
  if (view.notes.length > 0) lines.push(...head('To know before'), ...list(view.notes));
  for (const patch of view.patches)
    lines.push(
      ...head(printable(patch.title)),
      ...patch.text
        .trimEnd()
        .split('\n')
        .map((line) => `  ${printable(line)}`),
    );
  return `${lines.join('\n')}\n`;
}
