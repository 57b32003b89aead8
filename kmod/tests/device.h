/* SPDX-License-Identifier: GPL-2.0 */
/* A network device with queues, managed, which sees the packets of a test. */
#ifndef ANKUS_TESTS_DEVICE_H
#define ANKUS_TESTS_DEVICE_H

#include <kunit/test.h>
#include <linux/etherdevice.h>
#include <linux/in.h>
#include <linux/rtnetlink.h>
#include <linux/socket.h>

#include "../steer.h"

#define DEVICE_QUEUES 4

/**
 * struct device_test - a device that is up, managed and sees no packets
 * @an: state of its namespace
 * @netdev: the device, with queues and a qdisc each
 * @ad: managed
 * @flow: a flow of it, with a control part
 * @proof: what a stub of a backend is to see
 */
struct device_test {
	struct ankus_net an;
	struct net_device *netdev;
	struct ankus_dev *ad;
	struct ankus_flow *flow;
	enum ankus_proof proof;
};

/* Bytes that the device has sent by queue, of those that carry the mark */
struct device_sent {
	u64 bytes[DEVICE_QUEUES];
};

#define DEVICE_MARK 0x616e6b75

static inline netdev_tx_t device_test_xmit(struct sk_buff *skb,
					   struct net_device *netdev)
{
	struct device_sent *sent = netdev_priv(netdev);

	if (skb->mark == DEVICE_MARK)
		sent->bytes[skb_get_queue_mapping(skb)] += skb->len;
	consume_skb(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops device_test_ops = {
	.ndo_start_xmit = device_test_xmit,
};

/* Registered once for all tests of a suite: it takes grace periods */
static struct net_device *device_test_netdev;

static inline int device_test_suite_init(struct kunit_suite *suite)
{
	struct net_device *netdev;
	int err;

	netdev = alloc_netdev_mqs(sizeof(struct device_sent), "ankuskunit%d",
				  NET_NAME_UNKNOWN, ether_setup, DEVICE_QUEUES,
				  DEVICE_QUEUES);
	if (!netdev)
		return -ENOMEM;
	netdev->netdev_ops = &device_test_ops;
	/* no packets but the test's */
	netdev->priv_flags |= IFF_NO_ADDRCONF;
	netdev->flags |= IFF_NOARP;
	eth_hw_addr_random(netdev);
	err = register_netdev(netdev);
	if (err)
		goto err_free;
	rtnl_lock();
	err = dev_open(netdev, NULL);
	rtnl_unlock();
	if (err)
		goto err_unregister;
	device_test_netdev = netdev;
	return 0;

err_unregister:
	unregister_netdev(netdev);
err_free:
	free_netdev(netdev);
	return err;
}

static inline void device_test_suite_exit(struct kunit_suite *suite)
{
	unregister_netdev(device_test_netdev);
	free_netdev(device_test_netdev);
}

/* A flow of the device with a control part, as the control loop makes them */
static inline struct ankus_flow *device_test_flow(struct device_test *st,
						  u32 n)
{
	struct ankus_packet pkt = {
		.key = {
			.family = AF_INET,
			.proto = IPPROTO_UDP,
			.src.s6_addr32[0] = htonl(n),
		},
	};
	struct ankus_flow *flow;

	rcu_read_lock_bh();
	flow = ankus_flow_insert(&st->ad->flows, &pkt, n, &st->an.next_flow);
	rcu_read_unlock_bh();
	if (IS_ERR(flow) || ankus_flow_activate(flow))
		return NULL;
	return flow;
}

static inline void device_test_release(void *ad)
{
	rtnl_lock();
	ankus_dev_release(ad);
	rtnl_unlock();
}

static inline int device_test_init(struct kunit *test)
{
	struct device_test *st = kunit_kzalloc(test, sizeof(*st), GFP_KERNEL);
	struct ankus_config cfg;
	int err;

	if (!st)
		return -ENOMEM;
	test->priv = st;
	st->netdev = device_test_netdev;
	memset(netdev_priv(st->netdev), 0, sizeof(struct device_sent));
	ankus_net_setup(&st->an, &init_net);
	ankus_config_default(&cfg);
	cfg.flow_max = 256;
	rtnl_lock();
	err = netif_set_real_num_tx_queues(st->netdev, DEVICE_QUEUES);
	st->ad = err ? ERR_PTR(err) :
		       ankus_dev_create(&st->an, st->netdev, &cfg);
	rtnl_unlock();
	if (IS_ERR(st->ad))
		return PTR_ERR(st->ad);
	err = kunit_add_action_or_reset(test, device_test_release, st->ad);
	if (err)
		return err;
	st->flow = device_test_flow(st, 1);
	return st->flow ? 0 : -ENOMEM;
}

#endif /* ANKUS_TESTS_DEVICE_H */
