import { field, printable } from '../identify-text.ts';
import { getRequest, readHttp } from './http-answer.ts';
import type { Probe } from './probe.ts';

/**
 * HTTP/1.1 (RFC 9112): status line, `Server`, title. Most TLS ports of web servers answer a request in clear by an error in
 * clear, so such an error is not believed before TLS was tried.
 */
export const http: Probe = {
  name: 'http',
  ports: [80, 591, 3000, 5000, 8000, 8008, 8080, 8081, 8086, 8088, 8123, 8888, 9000, 9090, 9091, 9093, 15672],
  tlsPorts: [443, 4443, 8443, 9443, 10443],
  anywhere: true,
  request: (target) => getRequest(target, '/'),
  read(answer, isEnd) {
    const http = readHttp(answer, isEnd);
    if (!http) return null;
    const server = http.headers.get('server');
    const [, product, version] = /^([^/(]+?)(?:\/([^\s(]+))?(?:[\s(].*)?$/.exec(server ?? '') ?? [];
    const title = /<title[^>]*>([^<]{1,200})/i.exec(http.body)?.[1]?.replace(/\s+/g, ' ');
    const mayBeTls = http.status === 400 || http.status === 426 || http.status === 497;
    return {
      facts: {
        service: 'http',
        ...field('product', product),
        ...field('version', version),
        banner: printable(title === undefined ? http.statusLine : `${http.statusLine}; ${title}`),
        encryption: 'none',
        ...(http.status === 401 ? { unauthenticated: false } : {}),
      },
      ...(mayBeTls ? { mayBeTls: true as const } : {}),
      texts: {
        ...(server === undefined ? {} : { 'http_header.server': server }),
        ...(title === undefined ? {} : { html_title: title }),
      },
    };
  },
};
