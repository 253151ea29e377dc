// SPDX-License-Identifier: Apache-2.0
// requests PORT|SOCKET PATH CONNECTIONS: a client whose work is the same every time. It opens the connections, to
// 127.0.0.1:PORT or a unix socket, and then reads numbers from its input: for each it makes so many GET requests, one
// after the other, on each connection in turn, reads every response to its end, and says "done <bytes of a response>".
// Any other status than 200 ends it with exit code 1.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char headers[] =
    "Host: shop.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Cookie: session=2b6f0cc904d137be2e1730235f5664094b831186\r\n"
    "Connection: keep-alive\r\n\r\n";

static void die(const char* what) {
  perror(what);
  exit(1);
}

static int connect_to(const char* where) {
  struct sockaddr_un local = {.sun_family = AF_UNIX};
  struct sockaddr_in remote = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  const int is_path = strchr(where, '/') != NULL;
  const int fd = socket(is_path ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
  int failed;
  if (fd < 0) die("socket");
  if (is_path) {
    snprintf(local.sun_path, sizeof local.sun_path, "%s", where);
    failed = connect(fd, (struct sockaddr*)&local, sizeof local);
  } else {
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    remote.sin_port = htons((unsigned short)atoi(where));
    failed = connect(fd, (struct sockaddr*)&remote, sizeof remote);
  }
  if (failed) die("connect");
  return fd;
}

// Reads one response; its size.
static size_t response(int fd) {
  static char buffer[1 << 20];
  size_t have = 0, all = 0;
  while (all == 0 || have < all) {
    const ssize_t n = read(fd, buffer + have, sizeof buffer - 1 - have);
    if (n <= 0) die("read");
    have += (size_t)n;
    buffer[have] = '\0';
    const char* end = all ? NULL : strstr(buffer, "\r\n\r\n");
    if (end) {
      const char* length = strcasestr(buffer, "Content-Length: ");
      if (strncmp(buffer, "HTTP/1.1 200 ", 13) != 0 || !length || length > end) {
        fprintf(stderr, "requests: unexpected response: %.80s\n", buffer);
        exit(1);
      }
      all = (size_t)(end + 4 - buffer) + (size_t)atol(length + 16);
    }
  }
  return have;
}

int main(int argc, char** argv) {
  enum { most = 256 };
  int fds[most];
  char request[2048], line[32];
  size_t bytes = 0, turn = 0;
  const int connections = argc == 4 ? atoi(argv[3]) : 0;
  if (connections < 1 || connections > most) {
    fprintf(stderr, "usage: requests PORT|SOCKET PATH CONNECTIONS\n");
    return 2;
  }
  const size_t size = (size_t)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n%s", argv[2], headers);
  for (int i = 0; i < connections; ++i) fds[i] = connect_to(argv[1]);
  while (fgets(line, sizeof line, stdin)) {
    for (long left = atol(line); left > 0; --left) {
      const int fd = fds[turn++ % (size_t)connections];
      if (write(fd, request, size) != (ssize_t)size) die("write");
      bytes = response(fd);
    }
    printf("done %zu\n", bytes);
    fflush(stdout);
  }
  return 0;
}
