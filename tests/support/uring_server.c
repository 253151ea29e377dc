// SPDX-License-Identifier: Apache-2.0
// Serves requests without a body through io_uring's recv and send.
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nodd\n";

static int submit_and_wait(struct io_uring* ring) {
  struct io_uring_cqe* done;
  if (io_uring_submit(ring) < 0 || io_uring_wait_cqe(ring, &done) < 0) return -1;
  int result = done->res;
  io_uring_cqe_seen(ring, done);
  return result;
}

static int serve(struct io_uring* ring, int fd) {
  char data[4096];
  size_t size = 0;
  while (size < 4 || memcmp(data + size - 4, "\r\n\r\n", 4) != 0) {
    if (size == sizeof(data)) return -1;
    io_uring_prep_recv(io_uring_get_sqe(ring), fd, data + size, sizeof(data) - size, 0);
    int count = submit_and_wait(ring);
    if (count <= 0) return -1;
    size += (size_t)count;
  }
  io_uring_prep_send(io_uring_get_sqe(ring), fd, answer, sizeof(answer) - 1, 0);
  return submit_and_wait(ring) == (int)sizeof(answer) - 1 ? 0 : -1;
}

int main(void) {
  struct io_uring ring;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof(address);
  int error = io_uring_queue_init(8, &ring, 0);
  if (error) {
    fprintf(stderr, "io_uring_queue_init: %s\n", strerror(-error));
    return 77;
  }
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr*)&address, size) || listen(listener, 16)) return 1;
  getsockname(listener, (struct sockaddr*)&address, &size);
  printf("listening %d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    while (serve(&ring, fd) == 0) {
    }
    close(fd);
  }
}
