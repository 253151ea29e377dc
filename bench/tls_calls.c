// SPDX-License-Identifier: Apache-2.0
// tls_calls CERTIFICATE KEY MILLISECONDS: what a call of OpenSSL costs, without a socket: a client and a server in one
// thread, who write 64 bytes to each other in turn. Prints "<ns per call>", the median over chunks, so that one
// interruption does not count.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { chunks = 41, turns = 100, message = 64, calls_in_turn = 4 };

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void check(int ok) {
  if (ok) return;
  ERR_print_errors_fp(stderr);
  exit(1);
}

static void turn(SSL* client, SSL* server) {
  char bytes[message] = {0};
  check(SSL_write(client, bytes, message) == message);
  check(SSL_read(server, bytes, message) == message);
  check(SSL_write(server, bytes, message) == message);
  check(SSL_read(client, bytes, message) == message);
}

static int compare(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  SSL_CTX *ours = SSL_CTX_new(TLS_client_method()), *theirs = SSL_CTX_new(TLS_server_method());
  check(SSL_CTX_use_certificate_file(theirs, argv[1], SSL_FILETYPE_PEM) == 1);
  check(SSL_CTX_use_PrivateKey_file(theirs, argv[2], SSL_FILETYPE_PEM) == 1);
  SSL *client = SSL_new(ours), *server = SSL_new(theirs);
  BIO *one, *other;
  check(BIO_new_bio_pair(&one, 0, &other, 0) == 1);
  SSL_set_bio(client, one, one);
  SSL_set_bio(server, other, other);
  SSL_set_connect_state(client);
  SSL_set_accept_state(server);
  for (int i = 0; i < 16; ++i) {
    SSL_do_handshake(client);
    SSL_do_handshake(server);
  }
  for (int i = 0; i < turns; ++i) turn(client, server);

  uint64_t for_each = strtoull(argv[3], NULL, 10) * 1000000u / chunks;
  double ns[chunks];
  for (int chunk = 0; chunk < chunks; ++chunk) {
    uint64_t begin = now(), done = 0;
    while (now() - begin < for_each)
      for (int i = 0; i < turns; ++i, ++done) turn(client, server);
    ns[chunk] = (double)(now() - begin) / (double)(done * calls_in_turn);
  }
  qsort(ns, chunks, sizeof *ns, compare);
  printf("%.1f\n", ns[chunks / 2]);
  return 0;
}
