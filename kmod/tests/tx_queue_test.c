// SPDX-License-Identifier: GPL-2.0
/* TX queue pins: safe points, real sockets, and what the device gets to see. */
#include <kunit/test.h>
#include <linux/bottom_half.h>
#include <linux/in.h>
#include <linux/net.h>
#include <net/sock.h>

#include "device.h"

#define PACKET_LEN 1000

static bool tx_idle;

static bool tx_idle_stub(const struct ankus_dev *ad, int bin)
{
	return tx_idle;
}

static struct ankus_pin *tx_pin(struct device_test *st)
{
	return &st->flow->ctl->pin[ANKUS_PIN_TXQ];
}

static void tx_want(struct device_test *st, int bin)
{
	mutex_lock(&st->an.lock);
	ankus_steer_want(tx_pin(st), bin, ANKUS_MOVE_REASON_PLACED,
			 ktime_get_ns());
	mutex_unlock(&st->an.lock);
}

static int tx_look(struct device_test *st)
{
	int event;

	mutex_lock(&st->an.lock);
	event = ankus_steer_look(st->ad, st->flow, ANKUS_PIN_TXQ,
				 ktime_get_ns());
	mutex_unlock(&st->an.lock);
	return event;
}

/* The flow has been silent for long, and was so after the pin was wanted */
static void tx_pause(struct ankus_pin *pin)
{
	pin->gap_ns = ktime_get_ns() - NSEC_PER_SEC;
	pin->wanted_ns = pin->gap_ns - 1;
}

static struct sk_buff *tx_skb(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct sk_buff *skb = alloc_skb(PACKET_LEN + ETH_HLEN, GFP_KERNEL);
	struct ethhdr *eth;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reset_mac_header(skb);
	eth = skb_put_zero(skb, PACKET_LEN);
	eth->h_proto = htons(ETH_P_IP);
	skb_set_network_header(skb, ETH_HLEN);
	skb->protocol = htons(ETH_P_IP);
	skb->mark = DEVICE_MARK;
	skb->dev = st->netdev;
	return skb;
}

/* As netfilter does around the egress hook */
static void tx_lock(void)
{
	local_bh_disable();
	rcu_read_lock();
}

static void tx_unlock(void)
{
	rcu_read_unlock();
	local_bh_enable();
}

static bool tx_safe(struct device_test *st, struct sk_buff *skb)
{
	bool safe;

	tx_lock();
	safe = ankus_steer_safe(&ankus_tx_queue_ops, st->ad, tx_pin(st), skb,
				tx_idle_stub);
	tx_unlock();
	return safe;
}

static void tx_apply(struct device_test *st, struct sk_buff *skb)
{
	tx_lock();
	ankus_tx_queue_apply(st->ad, tx_pin(st), skb);
	tx_unlock();
}

KUNIT_DEFINE_ACTION_WRAPPER(tx_sock_release, sock_release, struct socket *);

static struct sock *tx_sock(struct kunit *test, int type, int proto)
{
	struct socket *sock;

	KUNIT_ASSERT_EQ(test, sock_create_kern(&init_net, AF_INET, type, proto,
					       &sock), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, tx_sock_release,
							sock), 0);
	return sock->sk;
}

static void tx_disconnect(void *sk)
{
	RCU_INIT_POINTER(((struct sock *)sk)->sk_dst_cache, NULL);
}

/* A socket with a route, which is all that is looked at of a connection */
static struct sock *tx_connected(struct kunit *test, int type, int proto)
{
	static struct dst_entry route;
	struct sock *sk = tx_sock(test, type, proto);

	RCU_INIT_POINTER(sk->sk_dst_cache, &route);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, tx_disconnect,
							sk), 0);
	return sk;
}

/* Packets of a socket, without what a socket charges for them */
static void tx_lend(struct sk_buff *skb, struct sock *sk)
{
	skb->sk = sk;
}

static void tx_safe_pause(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = tx_pin(st);
	struct sk_buff *skb = tx_skb(test);
	u64 before = ktime_get_ns();

	tx_idle = true;
	tx_want(st, 2);
	/* of the last packet before nothing is known: the pause begins here */
	pin->gap_ns = 0;
	KUNIT_EXPECT_FALSE(test, tx_safe(st, skb));
	KUNIT_EXPECT_GE(test, pin->gap_ns, before);
	/* nor does a pause count that was over before */
	pin->gap_ns = pin->wanted_ns - 1;
	KUNIT_EXPECT_FALSE(test, tx_safe(st, skb));

	tx_pause(pin);
	KUNIT_EXPECT_TRUE(test, tx_safe(st, skb));
	/* the old queue may still hold the last one */
	tx_pause(pin);
	tx_idle = false;
	KUNIT_EXPECT_FALSE(test, tx_safe(st, skb));
	kfree_skb(skb);
}

static void tx_safe_dead(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = tx_pin(st);
	struct sk_buff *skb = tx_skb(test);

	tx_idle = false;
	ankus_steer_switch(pin, DEVICE_QUEUES - 1, ANKUS_SAFE_POINT_PAUSE);
	tx_want(st, 0);
	KUNIT_EXPECT_FALSE(test, tx_safe(st, skb));
	rtnl_lock();
	netif_set_real_num_tx_queues(st->netdev, DEVICE_QUEUES - 1);
	rtnl_unlock();
	KUNIT_EXPECT_TRUE(test, tx_safe(st, skb));
	kfree_skb(skb);
}

/* TCP knows what of it is queued; whether it pauses does not matter */
static void tx_safe_tcp(struct kunit *test)
{
	struct sock *tcp = tx_sock(test, SOCK_STREAM, IPPROTO_TCP);
	struct sock *udp = tx_sock(test, SOCK_DGRAM, IPPROTO_UDP);
	struct device_test *st = test->priv;
	struct ankus_pin *pin = tx_pin(st);
	struct sk_buff *skb = tx_skb(test);

	tx_idle = true;
	tx_want(st, 2);
	tx_lend(skb, tcp);
	tx_pause(pin);
	KUNIT_EXPECT_FALSE(test, tx_safe(st, skb));
	tx_idle = false;
	pin->gap_ns = 0;
	skb->ooo_okay = 1;
	KUNIT_EXPECT_TRUE(test, tx_safe(st, skb));

	/* UDP does not, whatever the bit says */
	tx_lend(skb, udp);
	KUNIT_EXPECT_FALSE(test, tx_safe(st, skb));
	tx_idle = true;
	skb->ooo_okay = 0;
	tx_pause(pin);
	KUNIT_EXPECT_TRUE(test, tx_safe(st, skb));
	tx_lend(skb, NULL);
	kfree_skb(skb);
}

static void tx_apply_socket(struct kunit *test)
{
	struct sock *sk = tx_connected(test, SOCK_STREAM, IPPROTO_TCP);
	struct device_test *st = test->priv;
	struct ankus_pin *pin = tx_pin(st);
	struct sk_buff *skb = tx_skb(test);

	tx_lend(skb, sk);
	/* not pinned: left alone */
	skb->ooo_okay = 1;
	tx_apply(st, skb);
	KUNIT_EXPECT_TRUE(test, skb->ooo_okay);
	KUNIT_EXPECT_EQ(test, sk_tx_queue_get(sk), -1);

	/* pinned at the safe point, not before */
	tx_want(st, 2);
	skb->ooo_okay = 0;
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, sk_tx_queue_get(sk), -1);
	skb->ooo_okay = 1;
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, 2);
	KUNIT_EXPECT_EQ(test, pin->switches, 1);
	KUNIT_EXPECT_EQ(test, sk_tx_queue_get(sk), 2);
	/* so that the stack keeps to it */
	KUNIT_EXPECT_FALSE(test, skb->ooo_okay);
	skb->ooo_okay = 1;
	tx_apply(st, skb);
	KUNIT_EXPECT_FALSE(test, skb->ooo_okay);
	KUNIT_EXPECT_EQ(test, pin->switches, 1);

	/* while a move waits, the old queue holds */
	tx_want(st, 3);
	sk_tx_queue_set(sk, 0);
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, 2);
	KUNIT_EXPECT_EQ(test, sk_tx_queue_get(sk), 2);
	skb->ooo_okay = 1;
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, 3);
	KUNIT_EXPECT_EQ(test, pin->switches, 2);
	KUNIT_EXPECT_EQ(test, sk_tx_queue_get(sk), 3);

	/* taken back, at a safe point as well; the stack chooses anew there */
	tx_want(st, ANKUS_NO_BIN);
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, 3);
	skb->ooo_okay = 1;
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, ANKUS_NO_BIN);
	KUNIT_EXPECT_TRUE(test, skb->ooo_okay);
	KUNIT_EXPECT_EQ(test, sk_tx_queue_get(sk), -1);
	tx_lend(skb, NULL);
	kfree_skb(skb);
}

/* UDP has no safe point of its own at which the stack would choose anew */
static void tx_apply_datagrams(struct kunit *test)
{
	struct sock *sk = tx_connected(test, SOCK_DGRAM, IPPROTO_UDP);
	struct device_test *st = test->priv;
	struct ankus_pin *pin = tx_pin(st);
	struct sk_buff *skb = tx_skb(test);

	tx_idle = true;
	tx_lend(skb, sk);
	tx_want(st, 2);
	tx_pause(pin);
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, 2);
	KUNIT_EXPECT_EQ(test, sk_tx_queue_get(sk), 2);
	tx_want(st, ANKUS_NO_BIN);
	tx_pause(pin);
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, sk_tx_queue_get(sk), -1);
	tx_lend(skb, NULL);
	kfree_skb(skb);
}

/* A socket that may send other flows as well is to remember nothing */
static void tx_apply_unconnected(struct kunit *test)
{
	struct sock *sk = tx_sock(test, SOCK_DGRAM, IPPROTO_UDP);
	struct device_test *st = test->priv;
	struct ankus_pin *pin = tx_pin(st);
	struct sk_buff *skb = tx_skb(test);

	tx_lend(skb, sk);
	tx_want(st, 2);
	tx_pause(pin);
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, 2);
	KUNIT_EXPECT_EQ(test, sk_tx_queue_get(sk), -1);
	KUNIT_EXPECT_EQ(test, skb_get_rx_queue(skb), 2);
	tx_lend(skb, NULL);
	kfree_skb(skb);
}

static void tx_apply_forwarded(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = tx_pin(st);
	struct sk_buff *skb = tx_skb(test);

	skb_record_rx_queue(skb, 1);
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, skb_get_rx_queue(skb), 1);
	tx_want(st, 2);
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, skb_get_rx_queue(skb), 1);
	tx_pause(pin);
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, 2);
	KUNIT_EXPECT_EQ(test, skb_get_rx_queue(skb), 2);
	kfree_skb(skb);
}

static void tx_real_queues(struct device_test *st, unsigned int n)
{
	rtnl_lock();
	netif_set_real_num_tx_queues(st->netdev, n);
	rtnl_unlock();
}

/* A queue that is gone is not used, even when there is no other yet */
static void tx_apply_dead(struct kunit *test)
{
	struct sock *sk = tx_connected(test, SOCK_STREAM, IPPROTO_TCP);
	struct device_test *st = test->priv;
	struct ankus_pin *pin = tx_pin(st);
	struct sk_buff *skb = tx_skb(test);

	tx_lend(skb, sk);
	tx_want(st, DEVICE_QUEUES - 1);
	skb->ooo_okay = 1;
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, DEVICE_QUEUES - 1);
	tx_real_queues(st, DEVICE_QUEUES - 1);
	sk_tx_queue_clear(sk);
	skb->ooo_okay = 1;
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, sk_tx_queue_get(sk), -1);
	KUNIT_EXPECT_TRUE(test, skb->ooo_okay);
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, ANKUS_NO_BIN);

	/* it goes elsewhere now: to come back takes a safe point */
	tx_real_queues(st, DEVICE_QUEUES);
	skb->ooo_okay = 0;
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, ANKUS_NO_BIN);
	skb->ooo_okay = 1;
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, DEVICE_QUEUES - 1);
	KUNIT_EXPECT_EQ(test, sk_tx_queue_get(sk), DEVICE_QUEUES - 1);

	/* when it has gone, to another it goes at once, sooner or later */
	tx_real_queues(st, DEVICE_QUEUES - 1);
	skb->ooo_okay = 0;
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, ANKUS_NO_BIN);
	tx_want(st, 1);
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, 1);
	tx_real_queues(st, DEVICE_QUEUES);
	tx_want(st, DEVICE_QUEUES - 1);
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, 1);
	skb->ooo_okay = 1;
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, DEVICE_QUEUES - 1);
	tx_real_queues(st, DEVICE_QUEUES - 1);
	skb->ooo_okay = 0;
	tx_want(st, 1);
	tx_apply(st, skb);
	KUNIT_EXPECT_EQ(test, pin->have, 1);
	KUNIT_EXPECT_EQ(test, sk_tx_queue_get(sk), 1);
	tx_lend(skb, NULL);
	kfree_skb(skb);
}

/* Packets of the flow through the stack; with PINNED as the egress hook does */
static void tx_send(struct kunit *test, unsigned int n, bool pinned)
{
	struct device_test *st = test->priv;

	while (n--) {
		struct sk_buff *skb = tx_skb(test);

		if (pinned)
			tx_apply(st, skb);
		else
			skb_record_rx_queue(skb, 0);
		atomic64_add(skb->len, &st->flow->bytes);
		KUNIT_ASSERT_EQ(test, dev_queue_xmit(skb), NET_XMIT_SUCCESS);
	}
}

/* Over real queues and qdiscs: the packets go there, and that is seen */
static void tx_proof(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = tx_pin(st);
	struct device_sent *sent = netdev_priv(st->netdev);
	unsigned int packets = 2 * ANKUS_PROOF_BYTES / PACKET_LEN, i;

	/* other traffic in all queues, so that the flow's bytes are not all */
	tx_send(test, 10, false);
	KUNIT_EXPECT_EQ(test, sent->bytes[0], 10 * PACKET_LEN);

	tx_want(st, 2);
	tx_pause(pin);
	tx_send(test, packets, true);
	KUNIT_EXPECT_EQ(test, sent->bytes[2], packets * PACKET_LEN);
	KUNIT_EXPECT_EQ(test, sent->bytes[0], 10 * PACKET_LEN);
	KUNIT_EXPECT_EQ(test, tx_look(st), ANKUS_EVENT_FLOW_PIN);

	/* the first look is where the count begins */
	KUNIT_EXPECT_EQ(test, tx_look(st), -1);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_INSTALLED);
	tx_send(test, packets, true);
	KUNIT_EXPECT_EQ(test, tx_look(st), ANKUS_EVENT_FLOW_VERIFY);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_VERIFIED);

	/* silence proves nothing */
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_EQ(test, tx_look(st), -1);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_VERIFIED);

	/* something else chooses the queue from now on */
	for (i = 0; i < 100; i++) {
		int event;

		tx_send(test, packets, false);
		event = tx_look(st);
		if (event == ANKUS_EVENT_FLOW_FAIL)
			break;
		KUNIT_EXPECT_EQ(test, event, -1);
	}
	KUNIT_EXPECT_LT(test, i, 100);
	KUNIT_EXPECT_GT(test, i, 1);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_INEFFECTIVE);
	KUNIT_EXPECT_EQ(test, pin->want, ANKUS_NO_BIN);

	/* and the pin goes with the next pause */
	tx_pause(pin);
	tx_send(test, 1, true);
	KUNIT_EXPECT_EQ(test, pin->have, ANKUS_NO_BIN);
}

/* The queues that the configuration opens, by what the device has now */
static void tx_bins(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_bin *bins = st->ad->bins[ANKUS_PIN_TXQ];
	unsigned int i, n;

	mutex_lock(&st->an.lock);
	st->ad->cfg.tx.some = true;
	__set_bit(1, st->ad->cfg.tx.map);
	__set_bit(3, st->ad->cfg.tx.map);
	n = ankus_tx_queue_ops.bins(st->ad);
	mutex_unlock(&st->an.lock);
	KUNIT_ASSERT_EQ(test, n, DEVICE_QUEUES);
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_EQ(test, bins[i].usable, i == 1 || i == 3);
		KUNIT_EXPECT_EQ(test, bins[i].load_bps, 0);
	}
	rtnl_lock();
	netif_set_real_num_tx_queues(st->netdev, 2);
	rtnl_unlock();
	mutex_lock(&st->an.lock);
	n = ankus_tx_queue_ops.bins(st->ad);
	mutex_unlock(&st->an.lock);
	KUNIT_EXPECT_EQ(test, n, 2);
}

static struct kunit_case tx_cases[] = {
	KUNIT_CASE(tx_safe_pause),
	KUNIT_CASE(tx_safe_dead),
	KUNIT_CASE(tx_safe_tcp),
	KUNIT_CASE(tx_apply_socket),
	KUNIT_CASE(tx_apply_datagrams),
	KUNIT_CASE(tx_apply_unconnected),
	KUNIT_CASE(tx_apply_forwarded),
	KUNIT_CASE(tx_apply_dead),
	KUNIT_CASE(tx_proof),
	KUNIT_CASE(tx_bins),
	{}
};

static struct kunit_suite tx_suite = {
	.name = "ankus_tx_queue",
	.suite_init = device_test_suite_init,
	.suite_exit = device_test_suite_exit,
	.init = device_test_init,
	.test_cases = tx_cases,
};

kunit_test_suite(tx_suite);
