// SPDX-License-Identifier: Apache-2.0
// Serves requests without a body by recvmmsg and sendmmsg: the response goes out as three messages of one call.
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char* const parts[] = {"HTTP/1.1 200 OK\r\nContent-Le", "ngth: 4\r\n\r\n", "odd\n"};

static int read_request(int fd) {
  char data[4096];
  size_t size = 0;
  for (;;) {
    // The second message is only filled when the first one was full, so a short first one ends the call.
    struct iovec vectors[2] = {{data + size, 16}, {data + size + 16, 64}};
    struct mmsghdr messages[2] = {{.msg_hdr = {.msg_iov = &vectors[0], .msg_iovlen = 1}},
                                  {.msg_hdr = {.msg_iov = &vectors[1], .msg_iovlen = 1}}};
    int count = recvmmsg(fd, messages, 2, MSG_WAITFORONE, NULL);
    if (count <= 0 || messages[0].msg_len == 0) return -1;
    size += messages[0].msg_len;
    if (count == 2) size += messages[1].msg_len;
    if (size >= 4 && memcmp(data + size - 4, "\r\n\r\n", 4) == 0) return 0;
    if (size > sizeof(data) - 80) return -1;
  }
}

static void write_response(int fd) {
  struct iovec vectors[3];
  struct mmsghdr messages[3];
  memset(messages, 0, sizeof(messages));
  for (int i = 0; i < 3; i++) {
    vectors[i] = (struct iovec){(void*)parts[i], strlen(parts[i])};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  if (sendmmsg(fd, messages, 3, MSG_NOSIGNAL) != 3) perror("sendmmsg");
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof(address);
  int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  if (bind(listener, (struct sockaddr*)&address, size) || listen(listener, 16)) return 1;
  getsockname(listener, (struct sockaddr*)&address, &size);
  printf("listening %d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    while (read_request(fd) == 0) write_response(fd);
    close(fd);
  }
}
