/* A tiny MCP upstream (2026-07-28) for the bench: one thread, epoll, keep-alive HTTP/1.x, JSON over POST.
 *
 *     upstream [PORT [TOOLS]]      PORT 0 (the default) takes a free one; the port taken is printed on the first line.
 *
 * It reads just enough JSON to echo the id and to know the method, so that it is never the slow part of a measurement.
 * `GET /count` answers how many tools/call it has served: the harness compares that with what the load generator believes.
 * It listens on loopback only and ends with the process that started it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_FD = 4096, MAX_REQUEST = 64 * 1024, MAX_ID = 256, MAX_EVENTS = 256, MAX_TOOLS = 1000 };

typedef struct { const char *at; size_t length; } Span;

typedef struct {
    char in[MAX_REQUEST];
    size_t in_length;
    char *out; /* grown to the largest answer this connection has had, then reused */
    size_t out_length, out_sent, out_capacity;
    bool closing, waiting_to_write;
} Connection;

typedef struct { Span method, id; } Message;

typedef struct { Span body; size_t total; bool keep_alive, get; Span path; } Request;

static Connection *connections[MAX_FD];
static unsigned long calls_served;
static char *tools_result;

#define META "\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"bench-upstream\",\"version\":\"1.0.0\"}}"

static const char discover_result[] =
    "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},\"resultType\":\"complete\","
    "\"ttlMs\":3600000,\"cacheScope\":\"public\"," META "}";

/* Sized so that a whole answer is 589 bytes when the id has five digits. */
static const char call_result[] =
    "{\"content\":[{\"type\":\"text\",\"text\":\""
    "Found 4 matching records, ordered by relevance. "
    "1: Quarterly summary for the northern region, revised in March after the second review of the figures. "
    "2: Delivery schedule of the autumn campaign with the dates that were agreed at the last planning meeting. "
    "3: Notes on the new warehouse, including floor plans, opening hours and the list of people on duty there. "
    "4: Minutes of the annual assembly; see the appendix for votes, open points and owners and the people present.\"}],"
    "\"isError\":false,\"resultType\":\"complete\"}";

static void die(const char *what) {
    perror(what);
    exit(1);
}

/* ------------------------------------------------------------------------------------------- answers */

static char *listing(int count) {
    static const char schema[] =
        "{\"type\":\"object\",\"properties\":{\"query\":{\"type\":\"string\"},"
        "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100},"
        "\"filters\":{\"type\":\"object\",\"properties\":{\"region\":{\"type\":\"string\"},"
        "\"active\":{\"type\":\"boolean\"}}}},\"required\":[\"query\"],\"additionalProperties\":false}";
    size_t capacity = (size_t)count * (sizeof schema + 128) + 512, used = 0;
    char *text = malloc(capacity);
    if (!text) die("malloc");
    used += (size_t)snprintf(text + used, capacity - used, "{\"tools\":[");
    for (int i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, capacity - used,
                                 "%s{\"name\":\"tool_%03d\",\"description\":\"Search collection %d.\",\"inputSchema\":%s}",
                                 i ? "," : "", i, i, schema);
    snprintf(text + used, capacity - used,
             "],\"resultType\":\"complete\",\"ttlMs\":3600000,\"cacheScope\":\"public\"," META "}");
    return text;
}

static void append(Connection *c, const char *bytes, size_t length) {
    if (c->out_length + length > c->out_capacity) {
        c->out_capacity = (c->out_length + length) * 2;
        c->out = realloc(c->out, c->out_capacity);
        if (!c->out) die("realloc");
    }
    memcpy(c->out + c->out_length, bytes, length);
    c->out_length += length;
}

static void reply(Connection *c, const char *status, bool keep_alive, const char *parts[], const size_t lengths[], int count) {
    char head[256];
    size_t total = 0;
    for (int i = 0; i < count; i++) total += lengths[i];
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n",
                          status, total, keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
    append(c, head, (size_t)length);
    for (int i = 0; i < count; i++) append(c, parts[i], lengths[i]);
    if (!keep_alive) c->closing = true;
}

static void reply_text(Connection *c, const char *status, bool keep_alive, const char *text) {
    reply(c, status, keep_alive, &text, (size_t[]){strlen(text)}, 1);
}

static void reply_message(Connection *c, const char *status, bool keep_alive, Span id, const char *member, const char *value) {
    static const char start[] = "{\"jsonrpc\":\"2.0\",\"id\":";
    const char *parts[] = {start, id.at, member, value, "}"};
    size_t lengths[] = {sizeof start - 1, id.length, strlen(member), strlen(value), 1};
    reply(c, status, keep_alive, parts, lengths, 5);
}

/* ------------------------------------------------------------------------------------------- JSON, barely */

static size_t skip_blank(const char *s, size_t i, size_t end) {
    while (i < end && (s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r')) i++;
    return i;
}

static size_t skip_string(const char *s, size_t i, size_t end) { /* s[i] is the opening quote */
    for (i++; i < end && s[i] != '"'; i++)
        if (s[i] == '\\') i++;
    return i < end ? i + 1 : end;
}

static size_t skip_value(const char *s, size_t i, size_t end) {
    if (i < end && s[i] == '"') return skip_string(s, i, end);
    for (int depth = 0; i < end;) {
        char ch = s[i];
        if (ch == '"') {
            i = skip_string(s, i, end);
            continue;
        }
        if (depth == 0 && (ch == ',' || ch == '}' || ch == ' ' || ch == '\n' || ch == '\r' || ch == '\t')) return i;
        if (ch == '{' || ch == '[') depth++;
        if ((ch == '}' || ch == ']') && --depth == 0) return i + 1;
        i++;
    }
    return end;
}

static bool spells(Span span, const char *text) {
    return span.length == strlen(text) && memcmp(span.at, text, span.length) == 0;
}

/* Finds the top-level members `id` and `method`, in whatever order they come. */
static Message read_message(Span body) {
    Message message = {0};
    const char *s = body.at;
    size_t end = body.length, i = skip_blank(s, 0, end);
    if (i >= end || s[i] != '{') return message;
    for (i++; i < end && !(message.id.at && message.method.at);) {
        i = skip_blank(s, i, end);
        if (i >= end || s[i] != '"') break;
        size_t stop = skip_string(s, i, end);
        Span key = {s + i, stop - i};
        i = skip_blank(s, stop, end);
        if (i >= end || s[i] != ':') break;
        i = skip_blank(s, i + 1, end);
        stop = skip_value(s, i, end);
        if (spells(key, "\"id\"")) message.id = (Span){s + i, stop - i};
        if (spells(key, "\"method\"")) message.method = (Span){s + i, stop - i};
        i = skip_blank(s, stop, end);
        if (i >= end || s[i] != ',') break;
        i++;
    }
    return message;
}

static void answer(Connection *c, const Request *request) {
    bool keep = request->keep_alive;
    if (request->get) {
        char text[32];
        if (!spells(request->path, "/count")) {
            reply_text(c, "405 Method Not Allowed", keep, "{}");
            return;
        }
        snprintf(text, sizeof text, "%lu", calls_served);
        reply_text(c, "200 OK", keep, text);
        return;
    }
    Message message = read_message(request->body);
    if (!message.method.at) {
        reply_text(c, "400 Bad Request", false,
                   "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"Invalid request\"}}");
    } else if (!message.id.at || message.id.length > MAX_ID) {
        reply_text(c, "202 Accepted", keep, "");
    } else if (spells(message.method, "\"tools/call\"")) {
        calls_served++;
        reply_message(c, "200 OK", keep, message.id, ",\"result\":", call_result);
    } else if (spells(message.method, "\"tools/list\"")) {
        reply_message(c, "200 OK", keep, message.id, ",\"result\":", tools_result);
    } else if (spells(message.method, "\"server/discover\"")) {
        reply_message(c, "200 OK", keep, message.id, ",\"result\":", discover_result);
    } else {
        reply_message(c, "404 Not Found", keep, message.id, ",\"error\":",
                      "{\"code\":-32601,\"message\":\"Method not found\"}");
    }
}

/* ------------------------------------------------------------------------------------------- HTTP */

static Span header(const char *head, size_t length, const char *name) {
    size_t wanted = strlen(name);
    const char *end = head + length;
    for (const char *line = memchr(head, '\n', length); line && ++line < end; line = memchr(line, '\n', (size_t)(end - line))) {
        if ((size_t)(end - line) <= wanted || line[wanted] != ':' || strncasecmp(line, name, wanted) != 0) continue;
        const char *value = line + wanted + 1, *stop = memchr(value, '\r', (size_t)(end - value));
        while (value < end && *value == ' ') value++;
        return (Span){value, stop && stop > value ? (size_t)(stop - value) : 0};
    }
    return (Span){0};
}

typedef enum { INCOMPLETE, COMPLETE, BROKEN } Progress;

static Progress read_request(const Connection *c, Request *request) {
    const char *stop = memmem(c->in, c->in_length, "\r\n\r\n", 4);
    if (!stop) return c->in_length == MAX_REQUEST ? BROKEN : INCOMPLETE;
    size_t head = (size_t)(stop - c->in) + 4;
    const char *line_end = memmem(c->in, head, "\r\n", 2), *path = memchr(c->in, ' ', head);
    if (!path || path > line_end || line_end - c->in < 14) return BROKEN;
    path++;
    const char *path_end = memchr(path, ' ', (size_t)(line_end - path));
    if (!path_end) return BROKEN;
    Span length = header(c->in, head, "content-length"), connection = header(c->in, head, "connection");
    /* The clients of a bench know their lengths; guessing about anything else would only hide a fault in one of them. */
    if (header(c->in, head, "transfer-encoding").at) return BROKEN;
    size_t body = 0;
    for (size_t i = 0; i < length.length; i++) {
        if (length.at[i] < '0' || length.at[i] > '9' || body > MAX_REQUEST) return BROKEN;
        body = body * 10 + (size_t)(length.at[i] - '0');
    }
    if (body > MAX_REQUEST - head) return BROKEN;
    if (c->in_length < head + body) return INCOMPLETE;
    bool first_version = memcmp(line_end - 8, "HTTP/1.0", 8) == 0;
    bool says_keep = connection.length == 10 && strncasecmp(connection.at, "keep-alive", 10) == 0;
    bool says_close = connection.length == 5 && strncasecmp(connection.at, "close", 5) == 0;
    *request = (Request){.body = {c->in + head, body}, .total = head + body,
                         .keep_alive = first_version ? says_keep : !says_close,
                         .get = memcmp(c->in, "GET ", 4) == 0,
                         .path = {path, (size_t)(path_end - path)}};
    return COMPLETE;
}

static void drop(int fd) {
    close(fd); /* epoll forgets a closed descriptor by itself */
    free(connections[fd]->out);
    free(connections[fd]);
    connections[fd] = NULL;
}

static void watch(int poll, int fd, Connection *c, bool write) {
    if (c->waiting_to_write == write) return;
    c->waiting_to_write = write;
    struct epoll_event event = {.events = write ? EPOLLOUT : EPOLLIN, .data.fd = fd};
    if (epoll_ctl(poll, EPOLL_CTL_MOD, fd, &event) < 0) die("epoll_ctl");
}

/* Sends what is waiting; false when the connection is gone. */
static bool flush(int poll, int fd, Connection *c) {
    while (c->out_sent < c->out_length) {
        ssize_t sent = send(fd, c->out + c->out_sent, c->out_length - c->out_sent, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (sent < 0) return false;
        c->out_sent += (size_t)sent;
    }
    bool unsent = c->out_sent < c->out_length;
    if (!unsent) c->out_sent = c->out_length = 0;
    watch(poll, fd, c, unsent);
    return unsent || !c->closing;
}

/* Answers every whole request in the buffer; false when the connection is gone. */
static bool serve(int poll, int fd, Connection *c) {
    Request request;
    while (c->out_length == 0 && !c->closing) { /* one answer at a time: a client that does not read stops being read */
        Progress progress = read_request(c, &request);
        if (progress == INCOMPLETE) return true;
        if (progress == BROKEN) {
            reply_text(c, "400 Bad Request", false, "{}");
            return flush(poll, fd, c);
        }
        answer(c, &request);
        c->in_length -= request.total;
        memmove(c->in, c->in + request.total, c->in_length);
        if (!flush(poll, fd, c)) return false;
    }
    return true;
}

static void readable(int poll, int fd, Connection *c) {
    ssize_t got = recv(fd, c->in + c->in_length, MAX_REQUEST - c->in_length, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got > 0) c->in_length += (size_t)got;
    if (got <= 0 || !serve(poll, fd, c)) drop(fd);
}

static void writable(int poll, int fd, Connection *c) {
    if (!flush(poll, fd, c) || !serve(poll, fd, c)) drop(fd);
}

static void welcome(int poll, int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    Connection *c = fd < MAX_FD ? malloc(sizeof *c) : NULL;
    if (!c) {
        close(fd);
        return;
    }
    c->in_length = c->out_length = c->out_sent = c->out_capacity = 0;
    c->out = NULL;
    c->closing = c->waiting_to_write = false;
    connections[fd] = c;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) < 0) drop(fd);
}

static int listening(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (fd < 0) die("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&address, length) < 0) die("bind");
    if (listen(fd, 1024) < 0) die("listen");
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0) die("getsockname");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 0, tools = argc > 2 ? atoi(argv[2]) : 100;
    if (port < 0 || port > 65535 || tools < 0 || tools > MAX_TOOLS) {
        fprintf(stderr, "usage: upstream [PORT [TOOLS]]   (0-65535, 0-%d)\n", MAX_TOOLS);
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    tools_result = listing(tools);
    int listener = listening(port), poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[MAX_EVENTS], first = {.events = EPOLLIN, .data.fd = listener};
    if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &first) < 0) die("epoll");
    for (;;) {
        int count = epoll_wait(poll, events, MAX_EVENTS, -1);
        if (count < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                welcome(poll, listener);
                continue;
            }
            Connection *c = connections[fd];
            if (!c) continue;
            if (c->waiting_to_write) writable(poll, fd, c);
            else readable(poll, fd, c);
        }
    }
}
