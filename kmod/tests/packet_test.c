// SPDX-License-Identifier: GPL-2.0
/* Flow keys read from packets of every shape. */
#include <kunit/skbuff.h>
#include <kunit/test.h>
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <uapi/linux/ankus.h>

#include "../packet.h"

#define PACKET_MAX	512
#define PACKET_PAYLOAD	64

/* Bits of struct packet::what */
#define PACKET_FLOW	BIT(0)	/* belongs to a flow */
#define PACKET_ACCEL	BIT(1)	/* a VLAN tag beside the packet */

/**
 * struct packet - description of a packet
 * @name: of the case
 * @what: PACKET_FLOW, PACKET_ACCEL
 * @vlans: VLAN tags in the header
 * @family: AF_INET, AF_INET6
 * @proto: what the IP header or the last extension header names
 * @ihl: header length in words, 0 for what fits
 * @options: bytes of IPv4 options
 * @version: 0 for what fits
 * @frag: fragment field of the IPv4 header, or of an IPv6 fragment header
 * @n_ext: IPv6 extension headers
 * @ext: their types
 * @zero_ports: both ports are 0
 * @inner: a whole IPv4 TCP packet follows instead of ports, behind so many
 *	bytes of a tunnel header
 * @ethertype: instead of what fits
 */
struct packet {
	const char *name;
	u8 what;
	u8 vlans;
	u8 family;
	u8 proto;
	u8 ihl;
	u8 options;
	u8 version;
	u16 frag;
	u8 n_ext;
	u8 ext[9];
	bool zero_ports;
	u8 inner;
	u16 ethertype;
};

/* The bytes of a packet from the network header on */
struct packet_bytes {
	u8 data[PACKET_MAX];
	unsigned int len;
	unsigned int headers;
	__be16 protocol;
};

/* What a test needs, made once */
struct packet_test {
	struct packet_bytes bytes;
	struct page *page;
	struct sk_buff *skb;
	struct sk_buff before;
	u8 after[PACKET_MAX + ETH_HLEN];
};

#define SPORT 40000
#define DPORT 443
#define DSCP 0x22

static const u8 src6[16] = {
	0x20, 0x01, 0x0d, 0xb8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
};

static const u8 dst6[16] = {
	0x20, 0x01, 0x0d, 0xb8, 0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0, 0, 0, 0, 0, 1
};

#define SRC4 0xc0000201
#define DST4 0xc6336402

static void *packet_add(struct packet_bytes *bytes, unsigned int len)
{
	void *at = bytes->data + bytes->len;

	bytes->len += len;
	return at;
}

static void packet_add_v4(struct packet_bytes *bytes, const struct packet *p)
{
	struct iphdr *iph = packet_add(bytes, sizeof(*iph));

	iph->version = p->version ?: 4;
	iph->ihl = p->ihl ?: 5 + p->options / 4;
	iph->tos = DSCP << 2 | 1;
	iph->ttl = 64;
	iph->frag_off = htons(p->frag);
	iph->protocol = p->proto;
	iph->saddr = htonl(SRC4);
	iph->daddr = htonl(DST4);
	/* options that would pass for ports, if they were taken for them */
	memset(packet_add(bytes, p->options), 1, p->options);
}

static void packet_add_v6(struct packet_bytes *bytes, const struct packet *p)
{
	struct ipv6hdr *iph = packet_add(bytes, sizeof(*iph));
	u8 *next = &iph->nexthdr;
	unsigned int i;

	ip6_flow_hdr(iph, DSCP << 2 | 1, htonl(0x12345));
	iph->version = p->version ?: 6;
	iph->hop_limit = 64;
	memcpy(&iph->saddr, src6, sizeof(src6));
	memcpy(&iph->daddr, dst6, sizeof(dst6));
	for (i = 0; i < p->n_ext; i++) {
		bool fragment = p->ext[i] == NEXTHDR_FRAGMENT;
		/* 8 bytes, or 24 to see that the length counts */
		u8 *ext = packet_add(bytes, fragment || i ? 8 : 24);

		*next = p->ext[i];
		next = ext;
		if (fragment)
			*(__be16 *)(ext + 2) = htons(p->frag);
		else
			ext[1] = i ? 0 : 2;
	}
	*next = p->proto;
}

static void packet_build(struct packet_bytes *bytes, const struct packet *p)
{
	static const struct packet inner = {
		.family = AF_INET, .proto = IPPROTO_TCP,
	};
	__be16 type = htons(p->ethertype ?:
			    p->family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
	unsigned int i;
	__be16 *ports;

	memset(bytes, 0, sizeof(*bytes));
	bytes->protocol = p->vlans ? htons(ETH_P_8021Q) : type;
	if (p->vlans > 1)
		bytes->protocol = htons(ETH_P_8021AD);
	for (i = p->vlans; i-- > 0;) {
		struct vlan_hdr *vlan = packet_add(bytes, sizeof(*vlan));

		vlan->h_vlan_TCI = htons(100 + i);
		vlan->h_vlan_encapsulated_proto = i ? htons(ETH_P_8021Q) : type;
	}
	if (p->family == AF_INET)
		packet_add_v4(bytes, p);
	else
		packet_add_v6(bytes, p);
	if (p->inner) {
		__be16 *gre = packet_add(bytes, p->inner - 1);

		if (p->proto == IPPROTO_GRE)
			gre[1] = htons(ETH_P_IP);
		packet_add_v4(bytes, &inner);
	}
	ports = packet_add(bytes, 2 * sizeof(*ports));
	bytes->headers = bytes->len;
	if (!p->zero_ports) {
		ports[0] = htons(SPORT);
		ports[1] = htons(DPORT);
	}
	memset(packet_add(bytes, PACKET_PAYLOAD), 0xa5, PACKET_PAYLOAD);
}

static struct packet_bytes *packet_new(struct kunit *test)
{
	struct packet_test *pt = test->priv;

	packet_build(&pt->bytes, test->param_value);
	memcpy(page_address(pt->page), pt->bytes.data, sizeof(pt->bytes.data));
	return &pt->bytes;
}

/**
 * packet_skb() - give the test's skb the shape of a packet
 * @test: the test
 * @len: so many bytes of the packet
 * @l2: bytes in front, as at egress
 * @linear: bytes of the packet in the linear part
 * @second: the others are in two page fragments, so many in the first
 *
 * Return: the skb.
 */
static struct sk_buff *packet_skb(struct kunit *test, unsigned int len,
				  unsigned int l2, unsigned int linear,
				  unsigned int second)
{
	struct packet_test *pt = test->priv;
	const struct packet *p = test->param_value;
	struct sk_buff *skb = pt->skb;
	unsigned int frag;

	KUNIT_ASSERT_EQ(test, pskb_trim(skb, 0), 0);
	skb_reset_mac_header(skb);
	memset(skb_put(skb, l2), 0xee, l2);
	skb_set_network_header(skb, l2);
	skb_put_data(skb, pt->bytes.data, min(linear, len));
	for (; linear < len; linear += frag) {
		frag = skb_shinfo(skb)->nr_frags ? len - linear :
						   min(second, len - linear);
		get_page(pt->page);
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, pt->page,
				linear, frag, frag);
	}
	skb->protocol = pt->bytes.protocol;
	skb->dev = init_net.loopback_dev;
	if (p->what & PACKET_ACCEL)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), 7);
	return skb;
}

static void packet_key(const struct packet *p, u8 dir, struct ankus_key *key)
{
	memset(key, 0, sizeof(*key));
	if (p->family == AF_INET) {
		key->src.s6_addr32[0] = htonl(SRC4);
		key->dst.s6_addr32[0] = htonl(DST4);
	} else {
		memcpy(&key->src, src6, sizeof(src6));
		memcpy(&key->dst, dst6, sizeof(dst6));
	}
	if (!p->zero_ports) {
		key->sport = htons(SPORT);
		key->dport = htons(DPORT);
	}
	key->family = p->family;
	key->proto = p->proto;
	key->dir = dir;
}

/*
 * Parses an skb of a packet behind l2 bytes, and sees that this leaves it as it
 * was
 */
static bool packet_look(struct kunit *test, struct sk_buff *skb,
			unsigned int l2, u8 dir, struct ankus_packet *pkt)
{
	struct packet_test *pt = test->priv;
	bool found;

	memcpy(&pt->before, skb, sizeof(*skb));
	/* what is there before must not show through */
	memset(pkt, 0xff, sizeof(*pkt));
	found = ankus_packet_parse(skb, dir, pkt);

	KUNIT_EXPECT_MEMEQ(test, skb, &pt->before, sizeof(*skb));
	KUNIT_ASSERT_EQ(test, skb_copy_bits(skb, 0, pt->after, skb->len), 0);
	KUNIT_EXPECT_MEMEQ(test, pt->after + l2, pt->bytes.data,
			   skb->len - l2);
	return found;
}

static void packet_expect(struct kunit *test, const struct packet *p, u8 dir,
			  const struct ankus_packet *pkt, unsigned int len)
{
	struct ankus_key key;

	packet_key(p, dir, &key);
	KUNIT_EXPECT_MEMEQ(test, &pkt->key, &key, sizeof(key));
	KUNIT_EXPECT_EQ(test, pkt->len, len - p->vlans * VLAN_HLEN);
	KUNIT_EXPECT_EQ(test, pkt->dscp, DSCP);
}

static const struct packet packets[] = {
	/* what is a flow */
	{ .name = "IPv4 TCP", .what = PACKET_FLOW, .family = AF_INET,
	  .proto = IPPROTO_TCP },
	{ .name = "IPv4 UDP", .what = PACKET_FLOW, .family = AF_INET,
	  .proto = IPPROTO_UDP },
	{ .name = "IPv4 SCTP", .what = PACKET_FLOW, .family = AF_INET,
	  .proto = IPPROTO_SCTP },
	{ .name = "IPv6 TCP", .what = PACKET_FLOW, .family = AF_INET6,
	  .proto = IPPROTO_TCP },
	{ .name = "IPv6 UDP", .what = PACKET_FLOW, .family = AF_INET6,
	  .proto = IPPROTO_UDP },
	{ .name = "IPv6 SCTP", .what = PACKET_FLOW, .family = AF_INET6,
	  .proto = IPPROTO_SCTP },
	{ .name = "IPv4 with one option", .what = PACKET_FLOW,
	  .family = AF_INET, .proto = IPPROTO_TCP, .options = 4 },
	{ .name = "IPv4 with all options", .what = PACKET_FLOW,
	  .family = AF_INET, .proto = IPPROTO_UDP, .options = 40 },
	{ .name = "IPv4 do not fragment", .what = PACKET_FLOW,
	  .family = AF_INET, .proto = IPPROTO_TCP, .frag = IP_DF },
	{ .name = "IPv4 zero ports", .what = PACKET_FLOW, .family = AF_INET,
	  .proto = IPPROTO_UDP, .zero_ports = true },
	{ .name = "IPv6 zero ports", .what = PACKET_FLOW, .family = AF_INET6,
	  .proto = IPPROTO_UDP, .zero_ports = true },
	{ .name = "IPv6 hop-by-hop options", .what = PACKET_FLOW,
	  .family = AF_INET6, .proto = IPPROTO_TCP, .n_ext = 1, .ext = { NEXTHDR_HOP } },
	{ .name = "IPv6 routing and destination options", .what = PACKET_FLOW,
	  .family = AF_INET6, .proto = IPPROTO_UDP,
	  .n_ext = 2, .ext = { NEXTHDR_ROUTING, NEXTHDR_DEST } },
	{ .name = "IPv6 three extension headers", .what = PACKET_FLOW,
	  .family = AF_INET6, .proto = IPPROTO_SCTP,
	  .n_ext = 3, .ext = { NEXTHDR_HOP, NEXTHDR_DEST, NEXTHDR_ROUTING } },
	{ .name = "IPv4 behind a VLAN tag", .what = PACKET_FLOW, .vlans = 1,
	  .family = AF_INET, .proto = IPPROTO_TCP },
	{ .name = "IPv6 behind a VLAN tag", .what = PACKET_FLOW, .vlans = 1,
	  .family = AF_INET6, .proto = IPPROTO_TCP },
	{ .name = "IPv4 behind two VLAN tags", .what = PACKET_FLOW, .vlans = 2,
	  .family = AF_INET, .proto = IPPROTO_UDP },
	{ .name = "IPv4 options behind a VLAN tag", .what = PACKET_FLOW,
	  .vlans = 1, .family = AF_INET, .proto = IPPROTO_TCP, .options = 12 },
	{ .name = "IPv6 options behind a VLAN tag", .what = PACKET_FLOW,
	  .vlans = 1, .family = AF_INET6, .proto = IPPROTO_TCP,
	  .n_ext = 1, .ext = { NEXTHDR_HOP } },
	{ .name = "IPv6 with as many extension headers as are read",
	  .what = PACKET_FLOW, .family = AF_INET6, .proto = IPPROTO_TCP,
	  .n_ext = 8,
	  .ext = { NEXTHDR_HOP, NEXTHDR_DEST, NEXTHDR_DEST, NEXTHDR_DEST,
		   NEXTHDR_ROUTING, NEXTHDR_DEST, NEXTHDR_DEST, NEXTHDR_DEST } },
	{ .name = "IPv4 behind as many VLAN tags as are read",
	  .what = PACKET_FLOW, .vlans = 8, .family = AF_INET,
	  .proto = IPPROTO_TCP },
	{ .name = "IPv4 with a VLAN tag beside it",
	  .what = PACKET_FLOW | PACKET_ACCEL, .family = AF_INET,
	  .proto = IPPROTO_TCP },
	{ .name = "IPv6 options with a VLAN tag beside it",
	  .what = PACKET_FLOW | PACKET_ACCEL, .family = AF_INET6,
	  .proto = IPPROTO_TCP, .n_ext = 1, .ext = { NEXTHDR_HOP } },
	{ .name = "IPv4 behind a VLAN tag, another beside it",
	  .what = PACKET_FLOW | PACKET_ACCEL, .vlans = 1, .family = AF_INET,
	  .proto = IPPROTO_TCP },

	/* what is none */
	{ .name = "IPv4 ICMP", .family = AF_INET, .proto = IPPROTO_ICMP },
	{ .name = "IPv4 ESP", .family = AF_INET, .proto = IPPROTO_ESP },
	{ .name = "IPv6 ICMP", .family = AF_INET6, .proto = IPPROTO_ICMPV6 },
	{ .name = "IPv6 ESP", .family = AF_INET6, .proto = IPPROTO_ESP },
	{ .name = "IPv6 no next header", .family = AF_INET6,
	  .proto = NEXTHDR_NONE },
	{ .name = "IPv4 ICMP behind a VLAN tag", .vlans = 1,
	  .family = AF_INET, .proto = IPPROTO_ICMP },
	{ .name = "IPv4 first fragment", .family = AF_INET,
	  .proto = IPPROTO_UDP, .frag = IP_MF },
	{ .name = "IPv4 middle fragment", .family = AF_INET,
	  .proto = IPPROTO_UDP, .frag = IP_MF | 185 },
	{ .name = "IPv4 last fragment", .family = AF_INET,
	  .proto = IPPROTO_UDP, .frag = 370 },
	{ .name = "IPv6 first fragment", .family = AF_INET6,
	  .proto = IPPROTO_UDP, .frag = IP6_MF, .n_ext = 1, .ext = { NEXTHDR_FRAGMENT } },
	{ .name = "IPv6 later fragment", .family = AF_INET6,
	  .proto = IPPROTO_UDP, .frag = 1448, .n_ext = 1, .ext = { NEXTHDR_FRAGMENT } },
	{ .name = "IPv6 fragment behind options", .family = AF_INET6,
	  .proto = IPPROTO_TCP, .frag = 1448 | IP6_MF,
	  .n_ext = 2, .ext = { NEXTHDR_HOP, NEXTHDR_FRAGMENT } },
	{ .name = "IPv4 first fragment behind a VLAN tag", .vlans = 1,
	  .family = AF_INET, .proto = IPPROTO_UDP, .frag = IP_MF },
	{ .name = "IPv4 later fragment behind a VLAN tag", .vlans = 1,
	  .family = AF_INET, .proto = IPPROTO_UDP, .frag = 185 },
	{ .name = "IPv4 header length 4", .family = AF_INET,
	  .proto = IPPROTO_TCP, .ihl = 4 },
	{ .name = "IPv4 header length 1", .family = AF_INET,
	  .proto = IPPROTO_TCP, .ihl = 1 },
	{ .name = "IPv4 header length 4 behind a VLAN tag", .vlans = 1,
	  .family = AF_INET, .proto = IPPROTO_TCP, .ihl = 4 },
	{ .name = "IPv4 version 5", .family = AF_INET, .proto = IPPROTO_TCP,
	  .version = 5 },
	{ .name = "IPv4 version 6", .family = AF_INET, .proto = IPPROTO_TCP,
	  .version = 6 },
	{ .name = "IPv6 version 4", .family = AF_INET6, .proto = IPPROTO_TCP,
	  .version = 4 },
	{ .name = "IPv6 version 7 behind options", .family = AF_INET6,
	  .proto = IPPROTO_TCP, .version = 7, .n_ext = 1, .ext = { NEXTHDR_HOP } },
	{ .name = "IPv4 version 5 behind a VLAN tag", .vlans = 1,
	  .family = AF_INET, .proto = IPPROTO_TCP, .version = 5 },
	{ .name = "IPv6 version 4 behind a VLAN tag", .vlans = 1,
	  .family = AF_INET6, .proto = IPPROTO_TCP, .version = 4 },
	{ .name = "IPv6 with one extension header too many",
	  .family = AF_INET6, .proto = IPPROTO_TCP, .n_ext = 9,
	  .ext = { NEXTHDR_HOP, NEXTHDR_DEST, NEXTHDR_DEST, NEXTHDR_DEST,
		   NEXTHDR_ROUTING, NEXTHDR_DEST, NEXTHDR_DEST, NEXTHDR_DEST,
		   NEXTHDR_DEST } },
	{ .name = "IPv4 behind one VLAN tag too many", .vlans = 9,
	  .family = AF_INET, .proto = IPPROTO_TCP },
	{ .name = "PPPoE behind a VLAN tag", .vlans = 1, .family = AF_INET,
	  .proto = IPPROTO_TCP, .ethertype = ETH_P_PPP_SES },
	{ .name = "IPv4 in IPv4", .family = AF_INET, .proto = IPPROTO_IPIP,
	  .inner = 1 },
	{ .name = "IPv4 in IPv6", .family = AF_INET6, .proto = IPPROTO_IPIP,
	  .inner = 1 },
	{ .name = "IPv4 in GRE in IPv4", .family = AF_INET,
	  .proto = IPPROTO_GRE, .inner = 5 },
	{ .name = "IPv4 in GRE in IPv6", .family = AF_INET6,
	  .proto = IPPROTO_GRE, .inner = 5 },
	{ .name = "IPv4 in IPv4 behind a VLAN tag", .vlans = 1,
	  .family = AF_INET, .proto = IPPROTO_IPIP, .inner = 1 },
	{ .name = "IPv4 in GRE behind a VLAN tag", .vlans = 1,
	  .family = AF_INET, .proto = IPPROTO_GRE, .inner = 5 },
	{ .name = "ARP", .family = AF_INET, .proto = IPPROTO_TCP,
	  .ethertype = ETH_P_ARP },
	{ .name = "MPLS", .family = AF_INET, .proto = IPPROTO_TCP,
	  .ethertype = ETH_P_MPLS_UC },
	{ .name = "IPv6 header called IPv4", .family = AF_INET6,
	  .proto = IPPROTO_TCP, .ethertype = ETH_P_IP },
	{ .name = "IPv4 header called IPv6", .family = AF_INET,
	  .proto = IPPROTO_TCP, .ethertype = ETH_P_IPV6 },
};

KUNIT_ARRAY_PARAM_DESC(packet, packets, name);

static void packet_parse(struct kunit *test)
{
	static const unsigned int l2s[] = { 0, ETH_HLEN };
	const struct packet *p = test->param_value;
	struct packet_bytes *bytes = packet_new(test);
	unsigned int i;
	u8 dir;

	/* at ingress the data begins with the network header, at egress before */
	for (i = 0; i < ARRAY_SIZE(l2s); i++) {
		for (dir = ANKUS_DIR_IN; dir <= ANKUS_DIR_OUT; dir++) {
			struct ankus_packet pkt;
			struct sk_buff *skb;
			bool found;

			skb = packet_skb(test, bytes->len, l2s[i],
					 bytes->len, 0);
			found = packet_look(test, skb, l2s[i], dir, &pkt);
			KUNIT_EXPECT_EQ(test, found,
					!!(p->what & PACKET_FLOW));
			if (found)
				packet_expect(test, p, dir, &pkt, bytes->len);
		}
	}
}

/* Packet sockets and bridges put the network header behind the tags */
static void packet_parse_behind_tags(struct kunit *test)
{
	const struct packet *p = test->param_value;
	struct packet_bytes *bytes = packet_new(test);
	struct ankus_packet pkt;
	unsigned int linear;
	bool found;

	for (linear = 0; linear <= bytes->headers; linear++) {
		struct sk_buff *skb = packet_skb(test, bytes->len, ETH_HLEN,
						 linear, 8);

		skb_set_network_header(skb, ETH_HLEN + p->vlans * VLAN_HLEN);
		found = packet_look(test, skb, ETH_HLEN, ANKUS_DIR_OUT, &pkt);
		KUNIT_EXPECT_EQ_MSG(test, found, !!(p->what & PACKET_FLOW),
				    "%u bytes linear", linear);
		if (found)
			packet_expect(test, p, ANKUS_DIR_OUT, &pkt, bytes->len);
	}
}

/* Wherever the linear part ends, and wherever the first fragment does */
static void packet_parse_nonlinear(struct kunit *test)
{
	static const unsigned int seconds[] = { 1, 3, 8, 21, PACKET_MAX };
	const struct packet *p = test->param_value;
	struct packet_bytes *bytes = packet_new(test);
	unsigned int linear, i;

	for (linear = 0; linear <= bytes->headers; linear++) {
		for (i = 0; i < ARRAY_SIZE(seconds); i++) {
			struct ankus_packet pkt;
			struct sk_buff *skb;
			bool found;

			skb = packet_skb(test, bytes->len, 0, linear,
					 seconds[i]);
			found = packet_look(test, skb, 0, ANKUS_DIR_IN, &pkt);
			KUNIT_EXPECT_EQ_MSG(test, found,
					    !!(p->what & PACKET_FLOW),
					    "%u bytes linear", linear);
			if (found)
				packet_expect(test, p, ANKUS_DIR_IN, &pkt,
					      bytes->len);
		}
	}
}

/* A packet belongs to a flow if its ports are there, and else to none */
static void packet_parse_truncated(struct kunit *test)
{
	const struct packet *p = test->param_value;
	struct packet_bytes *bytes = packet_new(test);
	unsigned int len, linear;

	for (len = 0; len <= bytes->headers; len++) {
		for (linear = 0; linear <= len; linear += len ?: 1) {
			struct ankus_packet pkt;
			struct sk_buff *skb;
			bool found;

			skb = packet_skb(test, len, 0, linear, len);
			found = packet_look(test, skb, 0, ANKUS_DIR_OUT, &pkt);
			KUNIT_EXPECT_EQ_MSG(test, found, len == bytes->headers &&
					    p->what & PACKET_FLOW,
					    "%u of %u bytes, %u of them linear",
					    len, bytes->headers, linear);
			if (found)
				packet_expect(test, p, ANKUS_DIR_OUT, &pkt, len);
		}
	}
}

static void packet_test_page_free(void *page)
{
	put_page(page);
}

static int packet_test_init(struct kunit *test)
{
	struct packet_test *pt = kunit_kzalloc(test, sizeof(*pt), GFP_KERNEL);

	if (!pt)
		return -ENOMEM;
	test->priv = pt;
	pt->skb = kunit_zalloc_skb(test, PACKET_MAX + ETH_HLEN, GFP_KERNEL);
	pt->page = alloc_page(GFP_KERNEL);
	if (!pt->skb || !pt->page)
		return -ENOMEM;
	return kunit_add_action_or_reset(test, packet_test_page_free, pt->page);
}

static struct kunit_case packet_cases[] = {
	KUNIT_CASE_PARAM(packet_parse, packet_gen_params),
	KUNIT_CASE_PARAM(packet_parse_behind_tags, packet_gen_params),
	KUNIT_CASE_PARAM(packet_parse_nonlinear, packet_gen_params),
	KUNIT_CASE_PARAM(packet_parse_truncated, packet_gen_params),
	{}
};

static struct kunit_suite packet_suite = {
	.name = "ankus_packet",
	.init = packet_test_init,
	.test_cases = packet_cases,
};

kunit_test_suite(packet_suite);
