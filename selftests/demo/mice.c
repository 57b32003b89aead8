// SPDX-License-Identifier: GPL-2.0
/*
 * mice: many small requests over TCP, and how long their answers take.
 *
 *   mice server PORT
 *   mice client PORT LOCAL_PORT CONNECTIONS PER_SECOND SECONDS SRC-DST...
 *
 * The server sends back what it gets.  The client opens CONNECTIONS, number i
 * from source port LOCAL_PORT + i over the (i modulo number of pairs)-th pair
 * of addresses, so that they spread over whatever hashes ports and addresses.
 * Then it sends PER_SECOND requests in all, in turn over the connections, on
 * a schedule that does not wait for answers, and prints one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_BYTES	64
#define MAX_CONNECTIONS	1024
#define MAX_EVENTS	64
#define NSEC_PER_SEC	1000000000LL
#define GRACE_NS	(3 * NSEC_PER_SEC)	/* for answers after the end */
#define CONNECT_MS	10000

struct mouse {
	int fd;
	int got;		/* bytes of the answer so far */
	int64_t sent_ns;	/* 0: no request under way */
};

static struct mouse mice[MAX_CONNECTIONS];
static double *rtt_us;
static size_t answered, unanswered, skipped;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "mice: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void __attribute__((noreturn)) usage(void)
{
	fputs("usage: mice server PORT\n"
	      "       mice client PORT LOCAL_PORT CONNECTIONS PER_SECOND SECONDS SRC-DST...\n",
	      stderr);
	exit(2);
}

static long number(const char *word, long min, long max)
{
	char *end;
	long n = strtol(word, &end, 10);

	if (*end || end == word || n < min || n > max) {
		fprintf(stderr, "mice: '%s' is not a number from %ld to %ld\n",
			word, min, max);
		exit(2);
	}
	return n;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static void watch(int epoll, int fd, uint64_t tag)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = tag };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		die("epoll_ctl");
}

static void no_delay(int fd)
{
	int one = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		die("TCP_NODELAY");
}

static void __attribute__((noreturn)) serve(int port)
{
	struct sockaddr_in local = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};
	struct epoll_event events[MAX_EVENTS];
	int one = 1, epoll = epoll_create1(0);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (epoll < 0 || listener < 0)
		die("socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (void *)&local, sizeof(local)) ||
	    listen(listener, MAX_CONNECTIONS))
		die("listen");
	watch(epoll, listener, listener);

	for (;;) {
		int n = epoll_wait(epoll, events, MAX_EVENTS, -1);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			char buf[MESSAGE_BYTES];
			int fd = events[i].data.u64;
			ssize_t len;

			if (fd == listener) {
				fd = accept(listener, NULL, NULL);
				if (fd < 0)
					continue;
				no_delay(fd);
				watch(epoll, fd, fd);
				continue;
			}
			len = read(fd, buf, sizeof(buf));
			if (len <= 0 || write(fd, buf, len) != len)
				close(fd);
		}
	}
}

/* Split "SRC-DST" into two addresses. */
static void parse_pair(const char *pair, struct in_addr *src,
		       struct in_addr *dst)
{
	char word[64];
	char *dash;

	snprintf(word, sizeof(word), "%s", pair);
	dash = strchr(word, '-');
	if (!dash)
		usage();
	*dash = '\0';
	if (!inet_aton(word, src) || !inet_aton(dash + 1, dst))
		usage();
}

static int connect_mouse(const char *pair, int port, int local_port)
{
	/* A reset at the end leaves no TIME_WAIT, so ports can be used again. */
	struct linger reset = { .l_onoff = 1 };
	struct timeval limit = { .tv_sec = CONNECT_MS / 1000 };
	struct sockaddr_in src = {
		.sin_family = AF_INET,
		.sin_port = htons(local_port),
	};
	struct sockaddr_in dst = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		die("socket");
	parse_pair(pair, &src.sin_addr, &dst.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (bind(fd, (void *)&src, sizeof(src)))
		die("bind");
	if (connect(fd, (void *)&dst, sizeof(dst)))
		die("connect");
	no_delay(fd);
	return fd;
}

static void record(struct mouse *mouse, int64_t now)
{
	rtt_us[answered + unanswered] = (now - mouse->sent_ns) / 1e3;
	mouse->sent_ns = 0;
	mouse->got = 0;
}

/* Send the next request over a connection that waits for no answer. */
static void send_request(int connections)
{
	static const char request[MESSAGE_BYTES];
	static int next;

	for (int i = 0; i < connections; i++) {
		struct mouse *mouse = &mice[next];

		next = (next + 1) % connections;
		if (mouse->sent_ns)
			continue;
		mouse->sent_ns = now_ns();
		if (write(mouse->fd, request, sizeof(request)) != sizeof(request))
			die("write");
		return;
	}
	skipped++;
}

static void receive(struct mouse *mouse)
{
	char buf[MESSAGE_BYTES];
	ssize_t len = read(mouse->fd, buf, sizeof(buf));

	if (len <= 0)
		die("read");
	mouse->got += len;
	if (mouse->sent_ns && mouse->got >= MESSAGE_BYTES) {
		record(mouse, now_ns());
		answered++;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile(size_t count, int percent)
{
	size_t rank = (count * percent + 99) / 100;

	return rtt_us[rank ? rank - 1 : 0];
}

static void run_schedule(int epoll, int timer, int connections, size_t wanted,
			 int per_second, int64_t end)
{
	struct itimerspec period = {
		.it_interval.tv_nsec = (NSEC_PER_SEC - 1) / per_second,
		.it_value.tv_nsec = 1,
	};
	struct epoll_event events[MAX_EVENTS];
	size_t started = 0;

	if (timerfd_settime(timer, 0, &period, NULL))
		die("timerfd_settime");
	while (started < wanted || answered + skipped < wanted) {
		int n;

		if (now_ns() >= end)
			break;
		n = epoll_wait(epoll, events, MAX_EVENTS, 100);
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			uint64_t due;

			if (events[i].data.u64 < (uint64_t)connections) {
				receive(&mice[events[i].data.u64]);
				continue;
			}
			/* A late timer tells how many requests are due. */
			if (read(timer, &due, sizeof(due)) != sizeof(due))
				continue;
			for (; due && started < wanted; due--, started++)
				send_request(connections);
		}
	}
}

static int run_client(int argc, char **argv)
{
	int port = number(argv[0], 1, 65535);
	int local_port = number(argv[1], 1, 65535 - MAX_CONNECTIONS);
	int connections = number(argv[2], 1, MAX_CONNECTIONS);
	int per_second = number(argv[3], 1, 100000);
	int seconds = number(argv[4], 1, 3600);
	size_t wanted = (size_t)per_second * seconds, count;
	int epoll = epoll_create1(0);
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	char **pairs = argv + 5;
	int64_t now;

	rtt_us = calloc(wanted + MAX_CONNECTIONS, sizeof(*rtt_us));
	if (epoll < 0 || timer < 0 || !rtt_us)
		die("start");
	for (int i = 0; i < connections; i++) {
		mice[i].fd = connect_mouse(pairs[i % (argc - 5)], port,
					   local_port + i);
		watch(epoll, mice[i].fd, i);
	}
	watch(epoll, timer, connections);

	run_schedule(epoll, timer, connections, wanted, per_second,
		     now_ns() + seconds * NSEC_PER_SEC + GRACE_NS);

	/* What was not answered counts with the time that it has waited. */
	now = now_ns();
	for (int i = 0; i < connections; i++) {
		if (!mice[i].sent_ns)
			continue;
		record(&mice[i], now);
		unanswered++;
	}
	count = answered + unanswered;
	if (!count) {
		errno = ENODATA;
		die("no request was sent");
	}
	qsort(rtt_us, count, sizeof(*rtt_us), compare);
	printf("{\"answered\":%zu,\"unanswered\":%zu,\"skipped\":%zu,",
	       answered, unanswered, skipped);
	printf("\"p50_us\":%.0f,\"p99_us\":%.0f,\"max_us\":%.0f}\n",
	       percentile(count, 50), percentile(count, 99),
	       rtt_us[count - 1]);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "server"))
		serve(number(argv[2], 1, 65535));
	if (argc >= 8 && !strcmp(argv[1], "client"))
		return run_client(argc - 2, argv + 2);
	usage();
}
