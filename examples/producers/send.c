/* Sends stdin to a room: cc -O2 -o send send.c && ROOMCAST_TOKEN=... ./send HOST PORT ROOM [FRAMING] */
#define _POSIX_C_SOURCE 200809L
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int dial(const char *host, const char *port) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found, *at;
  if (getaddrinfo(host, port, &hints, &found) != 0) return -1;
  int bridge = -1;
  for (at = found; at != NULL && bridge < 0; at = at->ai_next) {
    bridge = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
    if (bridge >= 0 && connect(bridge, at->ai_addr, at->ai_addrlen) != 0) {
      close(bridge);
      bridge = -1;
    }
  }
  freeaddrinfo(found);
  return bridge;
}

static int write_all(int bridge, const char *bytes, size_t left) {
  while (left > 0) {
    ssize_t count = write(bridge, bytes, left);
    if (count < 0) return -1;
    bytes += count;
    left -= (size_t)count;
  }
  return 0;
}

int main(int argc, char **argv) {
  const char *token = getenv("ROOMCAST_TOKEN");
  if (argc < 4 || token == NULL) return fprintf(stderr, "ROOMCAST_TOKEN=... send HOST PORT ROOM [FRAMING]\n"), 2;
  signal(SIGPIPE, SIG_IGN); /* the bridge says why, on the way back */
  int bridge = dial(argv[1], argv[2]);
  if (bridge < 0) return fprintf(stderr, "the bridge cannot be reached\n"), 1;
  FILE *replies = fdopen(dup(bridge), "r");

  static char line[4096], reply[512], buffer[65536];
  int size = snprintf(line, sizeof line, "ROOMCAST/1 room=%s token=%s framing=%s\n", argv[3], token, argc > 4 ? argv[4] : "raw");
  if (size >= (int)sizeof line) return fprintf(stderr, "the line is too long\n"), 2;
  write_all(bridge, line, (size_t)size);
  if (fgets(reply, sizeof reply, replies) != NULL && strncmp(reply, "OK ", 3) == 0) {
    ssize_t count;
    while ((count = read(STDIN_FILENO, buffer, sizeof buffer)) > 0 && write_all(bridge, buffer, (size_t)count) == 0) {
    }
    shutdown(bridge, SHUT_WR); /* the end of the stream; the answer still comes */
    reply[0] = '\0';
    (void)!fgets(reply, sizeof reply, replies);
  }
  if (strncmp(reply, "END ", 4) == 0) return 0;
  fprintf(stderr, "%s\n", reply[0] ? reply : "the bridge hung up");
  return 1;
}
