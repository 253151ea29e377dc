// SPDX-License-Identifier: Apache-2.0
// boring_client PORT: asks 127.0.0.1 for each path that it reads, a line each, over HTTPS, one connection each, by
// BoringSSL. Says "asked" after each.
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int ask(SSL_CTX* context, int port, const char* path) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr*)&to, sizeof to) != 0) return 1;
  SSL* ssl = SSL_new(context);
  if (!SSL_set_fd(ssl, fd) || SSL_connect(ssl) != 1) return 1;
  char text[1024];
  int size = snprintf(text, sizeof text, "GET %s HTTP/1.0\r\nHost: boring\r\n\r\n", path);
  if (SSL_write(ssl, text, size) != size) return 1;
  while (SSL_read(ssl, text, sizeof text) > 0) {
  }
  SSL_free(ssl);
  close(fd);
  return 0;
}

int main(int argc, char** argv) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  char path[256];
  while (argc == 2 && fgets(path, sizeof path, stdin)) {
    path[strcspn(path, "\n")] = 0;
    if (ask(context, atoi(argv[1]), path) != 0) return 1;
    puts("asked");
    fflush(stdout);
  }
  return 0;
}
