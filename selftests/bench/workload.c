// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic of which everything is known: flows that come and go, each at a rate
 * of its own, and a filler between their packets.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sizes.h"
#include "workload.h"

/* Packets as the hooks see them: after GRO and before segmentation */
#define WORKLOAD_PACKET_BYTES 65226
/* Flows of steady rates send such that 10 Mbit/s are some packets a tick */
#define WORKLOAD_STEADY_BYTES 9000

/* Of a power law, flows of a higher rank are small */
#define WORKLOAD_ZIPF_HEAD 20000

#define MBIT 1000000ULL
#define GBIT 1000000000ULL

/* The power law over many flows is as long as its filler */
#define ZIPF(_name, _skew, _flows, _packets) {				\
	.name = (_name), .filler = FILLER_ZIPF, .skew = (_skew),	\
	.filler_flows = (_flows), .filler_packets = (_packets),		\
	.filler_gbps = 100, .filler_bytes = 1500,			\
	.threshold_bps = 100 * MBIT }

const struct workload workloads[] = {
	{ .name = "web search, 10^5 flows", .sizes = &sizes_web_search,
	  .flows = 100000, .burst = 1, .threshold_bps = 100 * MBIT,
	  .link_bps = 100 * GBIT },
	{ .name = "web search, 10^6 flows", .sizes = &sizes_web_search,
	  .flows = 1000000, .burst = 1, .threshold_bps = 100 * MBIT,
	  .link_bps = 100 * GBIT },
	{ .name = "data mining, 10^5 flows", .sizes = &sizes_data_mining,
	  .flows = 100000, .burst = 1, .threshold_bps = 100 * MBIT,
	  .link_bps = 100 * GBIT },
	{ .name = "data mining in bursts", .sizes = &sizes_data_mining,
	  .flows = 100000, .burst = 8, .threshold_bps = GBIT,
	  .link_bps = 100 * GBIT },
	{ .name = "Hadoop, 10^7 flows", .sizes = &sizes_hadoop,
	  .flows = 10000000, .burst = 1, .threshold_bps = 100 * MBIT,
	  .link_bps = 100 * GBIT },
	ZIPF("Zipf 0.8, 10^6 flows", 0.8, 1000000, 20000000),
	ZIPF("Zipf 1.0, 10^7 flows", 1.0, 10000000, 30000000),
	ZIPF("Zipf 1.2, 10^6 flows", 1.2, 1000000, 20000000),
	ZIPF("Zipf 1.5, 10^5 flows", 1.5, 100000, 10000000),
	{ .name = "equal mice, 10^6 flows", .filler = FILLER_MICE,
	  .filler_flows = 1000000, .filler_packets = 20000000,
	  .filler_gbps = 100, .filler_bytes = 1500, .steady = 200,
	  .threshold_bps = 100 * MBIT },
	{ .name = "random tuples, 10^7 flows", .filler = FILLER_FRESH,
	  .filler_flows = 10000000, .filler_packets = 10000000,
	  .filler_gbps = 2, .filler_bytes = 64, .steady = 200,
	  .threshold_bps = 100 * MBIT },
	{ .name = "crafted collisions", .filler = FILLER_MICE,
	  .filler_flows = 100000, .filler_packets = 10000000,
	  .filler_gbps = 50, .filler_bytes = 1500, .filler_crafted = true,
	  .steady = 200, .threshold_bps = 100 * MBIT },
};

const unsigned int n_workloads = ARRAY_SIZE(workloads);

/* A flow that comes and goes */
struct life {
	u64 bytes;
	u64 left;
	double gap_ns;	/* from one packet to the next */
	u32 packet;	/* bytes */
	u32 sent;	/* packets of this burst */
};

/* When a flow sends next, in a heap */
struct event {
	u64 ns;
	u32 flow;
};

/**
 * struct traffic - a workload under way
 * @workload: which
 * @dice: random numbers
 * @lives: flows that come and go; those that are to come have all to send
 * @n_lives: how many
 * @started: how many have begun
 * @next_start: when the next one does
 * @start_gap: mean time between two
 * @heap: their next packets, the soonest first
 * @n_heap: how many
 * @fillers: filler packets sent
 * @filler_bytes: by flow of the filler
 * @crafted: keys of the filler, if it has its own
 * @zipf: constants of the power law
 */
struct traffic {
	const struct workload *workload;
	struct dice dice;
	struct life *lives;
	u32 n_lives;
	u32 started;
	double next_start;
	double start_gap;
	struct event *heap;
	u32 n_heap;
	u64 fillers;
	u64 *filler_bytes;
	struct ankus_key *crafted;
	struct {
		double h_first;
		double h_last;
		double near;
	} zipf;
};

u64 dice_roll(struct dice *dice)
{
	dice->state ^= dice->state >> 12;
	dice->state ^= dice->state << 25;
	dice->state ^= dice->state >> 27;
	return dice->state * 2685821657736338717ULL;
}

/* In (0, 1] */
double dice_fraction(struct dice *dice)
{
	return ((dice_roll(dice) >> 11) + 1) / 9007199254740992.0;
}

static void *allocate(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p) {
		fprintf(stderr, "no memory\n");
		exit(1);
	}
	return p;
}

/*
 * The power law, without a table: Hörmann, Derflinger, "Rejection-inversion to
 * generate variates from monotone discrete distributions", TOMACS 1996.
 */
static double zipf_h(double skew, double x)
{
	return skew == 1 ? log(x) :
				       (pow(x, 1 - skew) - 1) / (1 - skew);
}

static double zipf_h_inverse(double skew, double x)
{
	return skew == 1 ? exp(x) :
				       pow(1 + x * (1 - skew), 1 / (1 - skew));
}

static void zipf_init(struct traffic *traffic)
{
	double skew = traffic->workload->skew;

	traffic->zipf.h_first = zipf_h(skew, 1.5) - 1;
	traffic->zipf.h_last =
		zipf_h(skew, traffic->workload->filler_flows + 0.5);
	traffic->zipf.near = 2 - zipf_h_inverse(skew, zipf_h(skew, 2.5) -
						      pow(2, -skew));
}

static u32 zipf_draw(struct traffic *traffic)
{
	double first = traffic->zipf.h_first, last = traffic->zipf.h_last;
	double skew = traffic->workload->skew;

	for (;;) {
		double u = last + dice_fraction(&traffic->dice) * (first - last);
		double x = zipf_h_inverse(skew, u);
		double k = floor(x + 0.5);

		k = fmin(fmax(k, 1), traffic->workload->filler_flows);
		if (k - x <= traffic->zipf.near ||
		    u >= zipf_h(skew, k + 0.5) - pow(k, -skew))
			return k - 1;
	}
}

static void heap_push(struct traffic *traffic, u64 ns, u32 flow)
{
	struct event *heap = traffic->heap;
	u32 i = traffic->n_heap++;

	while (i && heap[(i - 1) / 2].ns > ns) {
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap[i].ns = ns;
	heap[i].flow = flow;
}

static struct event heap_pop(struct traffic *traffic)
{
	struct event *heap = traffic->heap, first = heap[0], last;
	u32 i = 0, child;

	last = heap[--traffic->n_heap];
	while ((child = 2 * i + 1) < traffic->n_heap) {
		if (child + 1 < traffic->n_heap &&
		    heap[child + 1].ns < heap[child].ns)
			child++;
		if (heap[child].ns >= last.ns)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
	return first;
}

static void key_of(u32 n, struct ankus_key *key)
{
	memset(key, 0, sizeof(*key));
	key->src.s6_addr32[0] = htonl(0x0a000000 + n / 50000);
	key->dst.s6_addr32[0] = htonl(0xc0a80001);
	key->sport = htons(1024 + n % 50000);
	key->dport = htons(443);
	key->family = AF_INET;
	key->proto = IPPROTO_TCP;
}

/*
 * What somebody can do who knows the code and not the secret: draw one, and
 * collect keys which it puts into very few lines.  A hash that depended on its
 * secret too little would put them together under another one, too.
 */
static void craft_keys(struct traffic *traffic)
{
	struct ankus_key_secret secret;
	struct ankus_key key;
	u32 i, n = 0, lines = 64;

	traffic->crafted = allocate(traffic->workload->filler_flows,
				    sizeof(*traffic->crafted));
	for (i = 0; i < ARRAY_SIZE(secret.k); i++)
		secret.k[i] = dice_roll(&traffic->dice);
	for (i = 0; n < traffic->workload->filler_flows; i++) {
		key_of(i, &key);
		/* of the 2^14 lines of a MiB, and so of all smaller sizes */
		if ((ankus_key_hash(&key, &secret) & 0x3fff) < lines)
			traffic->crafted[n++] = key;
	}
}

/**
 * traffic_start() - begin with a workload
 * @workload: which
 *
 * Return: the traffic; the same in every run.
 */
struct traffic *traffic_start(const struct workload *workload)
{
	struct traffic *traffic = allocate(1, sizeof(*traffic));
	u32 i;

	traffic->workload = workload;
	traffic->dice.state = 0x5eed0fa11ULL;
	traffic->n_lives = workload->flows + workload->steady;
	traffic->lives = allocate(traffic->n_lives, sizeof(*traffic->lives));
	traffic->heap = allocate(traffic->n_lives, sizeof(*traffic->heap));
	traffic->filler_bytes = allocate(workload->filler_flows,
					 sizeof(*traffic->filler_bytes));
	if (workload->filler == FILLER_ZIPF)
		zipf_init(traffic);
	if (workload->filler_crafted)
		craft_keys(traffic);

	for (i = 0; i < workload->flows; i++) {
		struct life *life = &traffic->lives[i];
		double bps;

		life->bytes = sizes_draw(workload->sizes, &traffic->dice);
		life->packet = WORKLOAD_PACKET_BYTES;
		/* from a hundredth to ten times the threshold */
		bps = workload->threshold_bps *
		      pow(10, 3 * dice_fraction(&traffic->dice) - 2);
		life->gap_ns = life->packet * 8e9 / bps;
	}
	if (workload->flows)
		traffic->start_gap = sizes_mean(workload->sizes) * 8e9 /
				     workload->link_bps;
	for (i = workload->flows; i < traffic->n_lives; i++) {
		struct life *life = &traffic->lives[i];
		double ns = workload->filler_packets * 8.0 *
			    workload->filler_bytes / workload->filler_gbps;
		/* a quarter to four times */
		double bps = workload->threshold_bps *
			     pow(2, 4 * dice_fraction(&traffic->dice) - 2);
		u64 start = i % 2 ? ns * dice_fraction(&traffic->dice) / 2 : 0;

		life->packet = WORKLOAD_STEADY_BYTES;
		life->gap_ns = life->packet * 8e9 / bps;
		life->bytes = (ns - start) / life->gap_ns * life->packet;
		heap_push(traffic, start, i);
	}
	for (i = 0; i < traffic->n_lives; i++)
		traffic->lives[i].left = traffic->lives[i].bytes;
	return traffic;
}

static bool filler_next(struct traffic *traffic, u64 before,
			struct packet *packet)
{
	const struct workload *w = traffic->workload;
	u64 ns;

	if (traffic->fillers == w->filler_packets)
		return false;
	ns = traffic->fillers * 8.0 * w->filler_bytes / w->filler_gbps;
	if (ns > before)
		return false;
	if (w->filler == FILLER_ZIPF)
		packet->flow = zipf_draw(traffic);
	else
		packet->flow = traffic->fillers % w->filler_flows;
	traffic->filler_bytes[packet->flow] += w->filler_bytes;
	packet->flow += traffic->n_lives;
	packet->bytes = w->filler_bytes;
	packet->ns = ns;
	traffic->fillers++;
	return true;
}

/**
 * traffic_next() - get the next packet
 * @traffic: of this traffic
 * @packet: where to
 *
 * Return: false when there is none.
 */
bool traffic_next(struct traffic *traffic, struct packet *packet)
{
	struct event event;
	struct life *life;

	while (traffic->started < traffic->workload->flows &&
	       (!traffic->n_heap ||
		traffic->next_start <= traffic->heap[0].ns)) {
		heap_push(traffic, traffic->next_start, traffic->started++);
		traffic->next_start -= traffic->start_gap *
				       log(dice_fraction(&traffic->dice));
	}
	if (filler_next(traffic, traffic->n_heap ? traffic->heap[0].ns : ~0ULL,
			packet))
		return true;
	if (!traffic->n_heap)
		return false;

	event = heap_pop(traffic);
	life = &traffic->lives[event.flow];
	packet->ns = event.ns;
	packet->flow = event.flow;
	packet->bytes = min_t(u64, life->left, life->packet);
	life->left -= packet->bytes;
	if (!life->left)
		return true;
	if (++life->sent < traffic->workload->burst) {
		heap_push(traffic, event.ns + 1000, event.flow);
	} else {
		/* what burst there was is made up for by the pause */
		heap_push(traffic, event.ns + life->sent * life->gap_ns,
			  event.flow);
		life->sent = 0;
	}
	return true;
}

/**
 * traffic_flows() - number of flows that there may be
 * @traffic: of this traffic
 *
 * Return: flows are numbered from 0 up to this.
 */
u32 traffic_flows(const struct traffic *traffic)
{
	return traffic->n_lives + traffic->workload->filler_flows;
}

/**
 * traffic_key() - the 5-tuple of a flow
 * @traffic: of this traffic
 * @flow: its number
 * @key: where to
 */
void traffic_key(const struct traffic *traffic, u32 flow, struct ankus_key *key)
{
	if (traffic->crafted && flow >= traffic->n_lives) {
		*key = traffic->crafted[flow - traffic->n_lives];
		return;
	}
	key_of(flow, key);
	if (flow < traffic->n_lives && traffic->crafted)
		key->dport = htons(8443);
	/* tuples of a flood are random, others are neighbours */
	if (traffic->workload->filler == FILLER_FRESH) {
		struct dice dice = { flow * 0x9e3779b97f4a7c15ULL + 1 };
		u64 roll = dice_roll(&dice);

		key->src.s6_addr32[0] = roll >> 32;
		key->dst.s6_addr32[0] = roll;
		key->sport = flow >> 16;
		key->dport = flow;
	}
}

/**
 * traffic_may_be_large() - can a flow come to carry so much?
 * @traffic: of this traffic
 * @flow: its number
 * @bytes: from beginning to end
 *
 * Return: true for too many rather than for too few.
 */
bool traffic_may_be_large(const struct traffic *traffic, u32 flow, u64 bytes)
{
	if (flow < traffic->n_lives)
		return traffic->lives[flow].bytes >= bytes;
	return traffic->workload->filler == FILLER_ZIPF &&
	       flow - traffic->n_lives < WORKLOAD_ZIPF_HEAD;
}

/**
 * traffic_flow_bytes() - how much a flow sends from beginning to end
 * @traffic: of this traffic; the filler must have been sent
 * @flow: its number
 *
 * Return: bytes.
 */
u64 traffic_flow_bytes(const struct traffic *traffic, u32 flow)
{
	return flow < traffic->n_lives ?
		       traffic->lives[flow].bytes :
		       traffic->filler_bytes[flow - traffic->n_lives];
}

void traffic_end(struct traffic *traffic)
{
	free(traffic->lives);
	free(traffic->heap);
	free(traffic->filler_bytes);
	free(traffic->crafted);
	free(traffic);
}
