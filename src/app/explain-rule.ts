import { checks } from '../checks/index.ts';
import { controlsOfRule, loadFrameworks } from '../frameworks/load.ts';
import { UserError } from '../model/errors.ts';
import { didYouMean } from '../register/suggest.ts';
import type { RenderOptions } from '../reports/report-format.ts';
import { renderRule } from '../reports/rule.ts';

/** What a rule means, why it matters, what to do, which controls it speaks to. Throws UserError on an unknown rule. */
export function explainRule(id: string, format: string, options: RenderOptions): string {
  const rule = checks.find((check) => check.id === id);
  if (!rule) {
    const ids = checks.map((check) => check.id);
    throw new UserError(`"${id}" is neither HOST:PORT nor the id of a rule`, {
      hint: [didYouMean(id, ids), `Rules: ${ids.join(', ')}`].filter(Boolean).join(' '),
    });
  }
  const frameworks = loadFrameworks();
  const titles = new Map(frameworks.flatMap((f) => f.controls.map((c) => [`${f.id} ${c.id}`, c.title])));
  const controls = controlsOfRule(frameworks)(rule.id).map((ref) => ({
    ...ref,
    title: titles.get(`${ref.framework} ${ref.id}`) ?? '',
  }));
  if (format !== 'json') return renderRule(rule, controls, options);
  const { title, severity, rationale, remediation } = rule;
  return JSON.stringify({ schemaVersion: 1, rule: { id, title, severity, rationale, remediation, controls } }, null, 2);
}
