/* Makes TCP connections at a steady rate: "serve PORT" accepts and closes them, "connect ADDRESS PORT RATE SECONDS FROM..."
   opens them from several source addresses, and prints how many were established and how many failed. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static struct sockaddr_in address(const char *text, int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, text, &a.sin_addr) != 1) exit(2);
  return a;
}

static int serve(int port) {
  int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = address("0.0.0.0", port);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&a, sizeof a) || listen(listener, 65535)) return perror("listen"), 1;
  puts("ready");
  fflush(stdout);
  for (;;) {
    int fd = accept4(listener, NULL, NULL, 0);
    if (fd >= 0) close(fd);
    else if (errno == EMFILE) usleep(1000);
  }
}

int main(int argc, char **argv) {
  if (argc == 3 && !strcmp(argv[1], "serve")) return serve(atoi(argv[2]));
  if (argc < 7 || strcmp(argv[1], "connect")) return 2;
  struct sockaddr_in to = address(argv[2], atoi(argv[3]));
  double rate = atof(argv[4]), seconds = atof(argv[5]);
  int sources = argc - 6, poll = epoll_create1(0), one = 1;
  long made = 0, failed = 0, open_now = 0, begun = 0, all = (long)(rate * seconds);
  double start = now();
  struct epoll_event events[1024];
  while (begun < all || open_now > 0) {
    long due = (long)((now() - start) * rate);
    if (due > all) due = all;
    for (; begun < due; begun++) {
      int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      struct sockaddr_in from = address(argv[6 + begun % sources], 0);
      setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
      struct epoll_event e = {.events = EPOLLRDHUP | EPOLLHUP | EPOLLERR, .data.fd = fd};
      if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) ||
          (connect(fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)) {
        failed++;
        if (fd >= 0) close(fd);
        continue;
      }
      epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
      open_now++;
    }
    int n = epoll_wait(poll, events, 1024, 1);
    for (int i = 0; i < n; i++) {
      if (events[i].events & EPOLLERR) failed++;
      else made++;
      close(events[i].data.fd);
      open_now--;
    }
    if (now() - start > seconds + 10) break;
  }
  printf("{\"made\": %ld, \"failed\": %ld, \"unanswered\": %ld, \"seconds\": %.3f}\n", made, failed, open_now, now() - start);
  return 0;
}
