// SPDX-License-Identifier: GPL-2.0
/* Netlink requests for what each CPU has done for a managed device. */
#include <linux/rtnetlink.h>
#include <net/sock.h>

#include "dev.h"
#include "netlink.h"
#include "netlink_gen.h"

struct cpu_map {
	u16 attr;
	u16 stat;
};

static const struct cpu_map cpu_counters[] = {
	{ ANKUS_A_CPU_RX_PACKETS, ANKUS_RX_PACKETS },
	{ ANKUS_A_CPU_RX_BYTES, ANKUS_RX_BYTES },
	{ ANKUS_A_CPU_TX_PACKETS, ANKUS_TX_PACKETS },
	{ ANKUS_A_CPU_TX_BYTES, ANKUS_TX_BYTES },
	{ ANKUS_A_CPU_FLOWS_ADMITTED, ANKUS_ADMITTED },
	{ ANKUS_A_CPU_SKETCH_PACKETS, ANKUS_SKETCHED },
	{ ANKUS_A_CPU_SKETCH_REPLACED, ANKUS_SKETCH_REPLACES },
	{ ANKUS_A_CPU_STEERED_PACKETS, ANKUS_CPU_PACKETS },
	{ ANKUS_A_CPU_STEERED_BYTES, ANKUS_CPU_BYTES },
	{ ANKUS_A_CPU_OVERFLOW_PACKETS, ANKUS_CPU_OVERFLOW },
};

static int cpu_put_sketch(struct sk_buff *msg, struct ankus_dev *ad, int cpu)
{
	const struct ankus_sketch_line *line = per_cpu_ptr(ad->pcpu, cpu)->sketch;
	u32 i, used = 0;

	if (!line)
		return 0;
	for (i = 0; i <= ad->sketch_mask; i++)
		used += ankus_sketch_used(&line[i], READ_ONCE(ad->epoch));
	return nla_put_u32(msg, ANKUS_A_CPU_SKETCH_COUNTERS,
			   (ad->sketch_mask + 1) * ANKUS_SKETCH_WAYS) ?:
	       nla_put_u32(msg, ANKUS_A_CPU_SKETCH_USED, used);
}

static int cpu_fill(struct sk_buff *msg, struct ankus_dev *ad, int cpu)
{
	unsigned int i;
	int err;

	err = nla_put_u32(msg, ANKUS_A_CPU_IFINDEX, ad->netdev->ifindex) ?:
	      nla_put_string(msg, ANKUS_A_CPU_IFNAME, ad->netdev->name) ?:
	      nla_put_u32(msg, ANKUS_A_CPU_CPU, cpu);
	for (i = 0; !err && i < ARRAY_SIZE(cpu_counters); i++)
		err = nla_put_u64_64bit(msg, cpu_counters[i].attr,
					ankus_dev_cpu_stat(ad, cpu,
							   cpu_counters[i].stat),
					ANKUS_A_CPU_PAD);
	return err ?: cpu_put_sketch(msg, ad, cpu);
}

/**
 * ankus_nl_cpu_get_doit() - ANKUS_CMD_CPU_GET of one CPU
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_cpu_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct nlattr *cpu = info->attrs[ANKUS_A_CPU_CPU];
	struct ankus_dev *ad;
	struct sk_buff *msg;
	void *hdr;
	int err;

	if (!cpu) {
		NL_SET_ERR_MSG(info->extack, "no CPU named: cpu is needed");
		return -EINVAL;
	}
	if (nla_get_u32(cpu) >= nr_cpu_ids || !cpu_possible(nla_get_u32(cpu))) {
		NL_SET_ERR_MSG_ATTR(info->extack, cpu, "no such CPU");
		return -ENOENT;
	}
	msg = ankus_nl_reply_new(info, ANKUS_CMD_CPU_GET, &hdr);
	if (!msg)
		return -ENOMEM;

	rtnl_lock();
	mutex_lock(&an->lock);
	ad = ankus_nl_dev(info, ANKUS_A_CPU_IFINDEX, ANKUS_A_CPU_IFNAME);
	err = IS_ERR(ad) ? PTR_ERR(ad) : cpu_fill(msg, ad, nla_get_u32(cpu));
	mutex_unlock(&an->lock);
	rtnl_unlock();
	return ankus_nl_reply(info, msg, hdr, err);
}

/* Where a dump goes on */
struct cpu_dump {
	unsigned int dev;
	unsigned int cpu;
};

static int cpu_dump_dev(struct sk_buff *skb, struct netlink_callback *cb,
			struct ankus_dev *ad)
{
	struct cpu_dump *pos = (struct cpu_dump *)cb->ctx;
	void *hdr;

	for (; pos->cpu < nr_cpu_ids; pos->cpu++) {
		if (!cpu_possible(pos->cpu))
			continue;
		hdr = ankus_nl_put_dump_header(skb, cb, ANKUS_CMD_CPU_GET);
		if (!hdr)
			return -EMSGSIZE;
		if (cpu_fill(skb, ad, pos->cpu)) {
			genlmsg_cancel(skb, hdr);
			return -EMSGSIZE;
		}
		genlmsg_end(skb, hdr);
		cond_resched();
	}
	pos->cpu = 0;
	return 0;
}

/**
 * ankus_nl_cpu_get_dumpit() - ANKUS_CMD_CPU_GET of all CPUs
 * @skb: buffer
 * @cb: the dump
 *
 * Context: Process.
 * Return: length of the part written, 0 at the end, or -errno.
 */
int ankus_nl_cpu_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ankus_net *an = ankus_net(sock_net(skb->sk));
	struct cpu_dump *pos = (struct cpu_dump *)cb->ctx;
	struct ankus_dev *ad;
	unsigned int i = 0;
	int ifindex, err;

	BUILD_BUG_ON(sizeof(*pos) > sizeof(cb->ctx));

	err = ankus_nl_no_filter(cb, ANKUS_A_CPU_CPU);
	if (err)
		return err;
	ifindex = ankus_nl_dump_ifindex(cb, skb, ANKUS_A_CPU_IFINDEX,
					ANKUS_A_CPU_IFNAME);
	if (ifindex < 0)
		return ifindex;

	mutex_lock(&an->lock);
	cb->seq = an->seq;
	list_for_each_entry(ad, &an->devs, list) {
		if (i++ < pos->dev)
			continue;
		if (!ifindex || ad->netdev->ifindex == ifindex) {
			err = cpu_dump_dev(skb, cb, ad);
			if (err)
				break;
		}
		pos->dev = i;
	}
	mutex_unlock(&an->lock);
	return skb->len ?: err;
}
