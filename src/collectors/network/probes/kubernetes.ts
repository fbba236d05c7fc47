import { field } from '../identify-text.ts';
import { getRequest, jsonBody, readHttp, textOf } from './http-answer.ts';
import type { Probe } from './probe.ts';

/** Kubernetes API server: `GET /version`, which is open to all unless anonymous requests are off. */
export const kubernetes: Probe = {
  name: 'kubernetes',
  ports: [8001],
  tlsPorts: [6443, 16443],
  request: (target) => getRequest(target, '/version'),
  read(answer, isEnd) {
    const http = readHttp(answer, isEnd);
    const body = http ? jsonBody(http) : null;
    if (!http || !body) return null;
    const version = textOf(body, 'gitVersion');
    // Where anonymous requests are off, the refusal has the form of every Kubernetes object.
    const isRefusal = textOf(body, 'kind') === 'Status' && textOf(body, 'apiVersion') === 'v1';
    if (version === undefined && !isRefusal) return null;
    return {
      facts: {
        service: 'kube-apiserver',
        product: 'Kubernetes',
        ...field('version', version?.replace(/^v/, '')),
        banner: http.statusLine,
        encryption: 'none',
        ...(isRefusal ? { unauthenticated: false } : {}),
      },
    };
  },
};
