/* Refuses each connection and each name to look up that lead away from this machine, and notes them in the file that
   NETWORK_CALLS names, one a line; where NETWORK_OPEN is set it only notes them. For LD_PRELOAD: native code of
   libraries goes through it too. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Notes a call; whether it is refused. */
static int refused(const char *what, const char *whom) {
  const char *path = getenv("NETWORK_CALLS");
  FILE *file = path ? fopen(path, "a") : NULL;
  if (file) {
    fprintf(file, "%s %s\n", what, whom);
    fclose(file);
  }
  return getenv("NETWORK_OPEN") == NULL;
}

static int as_text(const struct sockaddr *address, char *text) {
  if (address && address->sa_family == AF_INET)
    return inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, text, INET6_ADDRSTRLEN) != NULL;
  if (address && address->sa_family == AF_INET6)
    return inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, text, INET6_ADDRSTRLEN) != NULL;
  return 0;
}

/* An address of this machine, by which its own processes may speak to each other. */
static int is_own(const char *text) {
  char other[INET6_ADDRSTRLEN];
  struct ifaddrs *all, *one;
  if (strncmp(text, "::ffff:", 7) == 0) text += 7;
  int found = strncmp(text, "127.", 4) == 0 || strcmp(text, "::1") == 0;
  if (found || getifaddrs(&all) != 0) return found;
  for (one = all; one && !found; one = one->ifa_next) found = as_text(one->ifa_addr, other) && strcmp(text, other) == 0;
  freeifaddrs(all);
  return found;
}

static int leads_away(const struct sockaddr *to, char *text) { return as_text(to, text) && !is_own(text); }

int connect(int line, const struct sockaddr *to, socklen_t size) {
  char text[INET6_ADDRSTRLEN];
  if (leads_away(to, text) && refused("connect", text)) {
    errno = EACCES;
    return -1;
  }
  int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
  return real(line, to, size);
}

ssize_t sendto(int line, const void *content, size_t length, int flags, const struct sockaddr *to, socklen_t size) {
  char text[INET6_ADDRSTRLEN];
  if (leads_away(to, text) && refused("send", text)) {
    errno = EACCES;
    return -1;
  }
  ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
  return real(line, content, length, flags, to, size);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  char host[256] = "", binary[16];
  gethostname(host, sizeof host - 1);
  int known = !name || !strcmp(name, "localhost") || !strcmp(name, host);
  int is_address = name && (inet_pton(AF_INET, name, binary) == 1 || inet_pton(AF_INET6, name, binary) == 1);
  if (!known && !is_address && refused("look up", name))
    return EAI_FAIL;
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
  return real(name, service, hints, found);
}
