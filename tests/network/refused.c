/* Refuses each connection and each name to look up that lead away from this machine, and notes them in the file that
   NETWORK_CALLS names, one a line. For LD_PRELOAD: native code of libraries goes through it too. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void note(const char *what, const char *whom) {
  const char *path = getenv("NETWORK_CALLS");
  FILE *file = path ? fopen(path, "a") : NULL;
  if (file) {
    fprintf(file, "%s %s\n", what, whom);
    fclose(file);
  }
}

static int leads_away(const struct sockaddr *to, char *text) {
  if (to && to->sa_family == AF_INET) {
    inet_ntop(AF_INET, &((const struct sockaddr_in *)to)->sin_addr, text, INET6_ADDRSTRLEN);
    return strncmp(text, "127.", 4) != 0;
  }
  if (to && to->sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)to)->sin6_addr, text, INET6_ADDRSTRLEN);
    return strcmp(text, "::1") != 0;
  }
  return 0;
}

int connect(int line, const struct sockaddr *to, socklen_t size) {
  char text[INET6_ADDRSTRLEN];
  if (leads_away(to, text)) {
    note("connect", text);
    errno = EACCES;
    return -1;
  }
  int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
  return real(line, to, size);
}

ssize_t sendto(int line, const void *content, size_t length, int flags, const struct sockaddr *to, socklen_t size) {
  char text[INET6_ADDRSTRLEN];
  if (leads_away(to, text)) {
    note("send", text);
    errno = EACCES;
    return -1;
  }
  ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
  return real(line, content, length, flags, to, size);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  if (name && strcmp(name, "localhost") && strncmp(name, "127.", 4) && strcmp(name, "::1")) {
    note("look up", name);
    return EAI_FAIL;
  }
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
  return real(name, service, hints, found);
}
