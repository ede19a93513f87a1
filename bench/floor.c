/*
 * The floor: how fast this disk takes given writes from a loop that does nothing else.
 *
 *   floor FILE FILE_BYTES BLOCK_BYTES sync|os < sizes
 *
 * Reads write sizes in bytes from standard input, separated by white space. Makes FILE that long with zeros and syncs it, unless it
 * is that long already. Then writes each size with pwrite at the next multiple of BLOCK_BYTES, from the start again where the file
 * would end. "sync" opens with O_DSYNC, so that each write is durable when it returns; "os" without, and syncs nothing.
 * Prints one line of JSON: count, totalNs (of the whole loop), p50Ns and p99Ns (of one write).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what) {
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static void prepare(const char *path, uint64_t bytes) {
  static char zeros[1 << 20];
  struct stat st;
  if (stat(path, &st) == 0 && (uint64_t)st.st_size >= bytes) return;
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (fd < 0) fail("open for zeros");
  for (uint64_t at = 0; at < bytes;) {
    size_t n = bytes - at < sizeof zeros ? (size_t)(bytes - at) : sizeof zeros;
    ssize_t w = pwrite(fd, zeros, n, (off_t)at);
    if (w <= 0) fail("write zeros");
    at += (uint64_t)w;
  }
  if (fsync(fd) != 0) fail("fsync");
  close(fd);
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: floor FILE FILE_BYTES BLOCK_BYTES sync|os < sizes\n");
    return 2;
  }
  const uint64_t file_bytes = strtoull(argv[2], NULL, 10), block = strtoull(argv[3], NULL, 10);
  const int durable = strcmp(argv[4], "sync") == 0;
  if (file_bytes == 0 || block == 0) {
    fprintf(stderr, "floor: FILE_BYTES and BLOCK_BYTES must be more than 0\n");
    return 2;
  }

  size_t count = 0, room = 1024;
  uint64_t *sizes = malloc(room * sizeof *sizes), largest = 0, size;
  while (sizes && scanf("%" SCNu64, &size) == 1) {
    if (count == room) sizes = realloc(sizes, (room *= 2) * sizeof *sizes);
    if (!sizes) break;
    if (size == 0 || size > file_bytes) {
      fprintf(stderr, "floor: a write of %" PRIu64 " bytes does not fit a file of %" PRIu64 "\n", size, file_bytes);
      return 2;
    }
    if (size > largest) largest = size;
    sizes[count++] = size;
  }
  if (count == 0) {
    fprintf(stderr, "floor: no sizes on standard input\n");
    return 2;
  }
  uint64_t *times = malloc(count * sizeof *times);
  unsigned char *bytes = malloc(largest);
  if (!sizes || !times || !bytes) fail("malloc");
  uint64_t random = 88172645463325252u;
  for (uint64_t i = 0; i < largest; i++) {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    bytes[i] = (unsigned char)random;
  }

  prepare(argv[1], file_bytes);
  int fd = open(argv[1], O_RDWR | (durable ? O_DSYNC : 0));
  if (fd < 0) fail("open");
  uint64_t at = 0;
  const uint64_t start = now_ns();
  uint64_t last = start;
  for (size_t i = 0; i < count; i++) {
    if (at + sizes[i] > file_bytes) at = 0;
    ssize_t w = pwrite(fd, bytes, sizes[i], (off_t)at);
    if (w < 0) fail("pwrite");
    if ((uint64_t)w != sizes[i]) {
      fprintf(stderr, "floor: a short write of %zd of %" PRIu64 " bytes\n", w, sizes[i]);
      return 1;
    }
    at += (sizes[i] + block - 1) / block * block;
    const uint64_t t = now_ns();
    times[i] = t - last;
    last = t;
  }
  const uint64_t total = last - start;
  close(fd);
  qsort(times, count, sizeof *times, ascending);
  printf("{\"count\":%zu,\"totalNs\":%" PRIu64 ",\"p50Ns\":%" PRIu64 ",\"p99Ns\":%" PRIu64 "}\n", count, total, times[count / 2], times[count - 1 - count / 100]);
  return 0;
}
