// SPDX-License-Identifier: Apache-2.0
// loops MILLISECONDS: what a system call costs on a workload without networking.
// Prints "<loop> <ns per turn>" for each loop; the value is the median over chunks, so that one interruption does not
// count.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { chunks = 41 };

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int zero;

static void turn_getppid(void) { syscall(SYS_getppid); }

static void turn_open_close(void) {
  int fd = open("/dev/null", O_RDONLY);
  if (fd >= 0) close(fd);
}

static void turn_read(void) {
  char byte;
  if (read(zero, &byte, 1) != 1) exit(1);
}

static int compare(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static void measure(const char* name, void (*turn)(void), uint64_t nanoseconds) {
  double per_turn[chunks];
  for (int chunk = 0; chunk < chunks; chunk++) {
    uint64_t turns = 0, begin = now(), end = begin;
    while (end - begin < nanoseconds / chunks) {
      for (int i = 0; i < 500; i++) turn();
      turns += 500;
      end = now();
    }
    per_turn[chunk] = (double)(end - begin) / (double)turns;
  }
  qsort(per_turn, chunks, sizeof(per_turn[0]), compare);
  printf("%s %.2f\n", name, per_turn[chunks / 2]);
}

int main(int argc, char** argv) {
  uint64_t nanoseconds = (argc > 1 ? strtoull(argv[1], NULL, 10) : 300) * 1000000u;
  zero = open("/dev/zero", O_RDONLY);
  if (zero < 0) return 1;
  measure("getppid", turn_getppid, nanoseconds);
  measure("open+close", turn_open_close, nanoseconds);
  measure("read", turn_read, nanoseconds);
  return 0;
}
