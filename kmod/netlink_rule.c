// SPDX-License-Identifier: GPL-2.0
/* Netlink requests about rules. */
#include <linux/inet.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "compat.h"
#include "control.h"
#include "event.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "rule.h"

/* One walk over the flows serves so many rules, about what fits into a message */
#define RULE_SUMS 64

/* Rules matter to all devices of the namespace at once */
static void rule_changed(struct ankus_net *an)
{
	struct ankus_dev *ad;

	list_for_each_entry(ad, &an->devs, list)
		ankus_control_run_soon(ad);
}

static int rule_put_prefix(struct sk_buff *msg, u8 family,
			   const struct in6_addr *addr, u8 len, int attr,
			   int len_attr)
{
	if (!len)
		return 0;
	return nla_put(msg, attr, family == AF_INET ? 4 : 16, addr) ?:
	       nla_put_u8(msg, len_attr, len);
}

static int rule_put_match(struct sk_buff *msg, const struct ankus_match *m)
{
	int err = 0;

	if (m->has_dir)
		err = nla_put_u32(msg, ANKUS_A_RULE_DIR, m->dir);
	if (!err && m->family)
		err = nla_put_u16(msg, ANKUS_A_RULE_FAMILY, m->family);
	if (!err && m->has_proto)
		err = nla_put_u8(msg, ANKUS_A_RULE_PROTO, m->proto);
	if (!err)
		err = rule_put_prefix(msg, m->family, &m->src, m->src_len,
				      ANKUS_A_RULE_SRC, ANKUS_A_RULE_SRC_LEN) ?:
		      rule_put_prefix(msg, m->family, &m->dst, m->dst_len,
				      ANKUS_A_RULE_DST, ANKUS_A_RULE_DST_LEN);
	if (!err && m->has_sport)
		err = nla_put_u16(msg, ANKUS_A_RULE_SPORT_FIRST, m->sport[0]) ?:
		      nla_put_u16(msg, ANKUS_A_RULE_SPORT_LAST, m->sport[1]);
	if (!err && m->has_dport)
		err = nla_put_u16(msg, ANKUS_A_RULE_DPORT_FIRST, m->dport[0]) ?:
		      nla_put_u16(msg, ANKUS_A_RULE_DPORT_LAST, m->dport[1]);
	if (!err && m->has_dscp)
		err = nla_put_u8(msg, ANKUS_A_RULE_DSCP, m->dscp);
	if (!err && m->mark_mask)
		err = nla_put_u32(msg, ANKUS_A_RULE_MARK, m->mark) ?:
		      nla_put_u32(msg, ANKUS_A_RULE_MARK_MASK, m->mark_mask);
	return err;
}

static int rule_fill(struct sk_buff *msg, const struct ankus_rule *rule)
{
	unsigned int i;
	int err;

	err = nla_put_u32(msg, ANKUS_A_RULE_PREF, rule->pref);
	if (!err && rule->ifname[0])
		err = nla_put_string(msg, ANKUS_A_RULE_IFNAME, rule->ifname);
	if (!err)
		err = rule_put_match(msg, &rule->match);
	if (!err && rule->rate_bps)
		err = nla_put_u64_64bit(msg, ANKUS_A_RULE_RATE_BPS,
					rule->rate_bps, ANKUS_A_RULE_PAD);
	if (!err && rule->bytes)
		err = nla_put_u64_64bit(msg, ANKUS_A_RULE_BYTES, rule->bytes,
					ANKUS_A_RULE_PAD);
	if (!err)
		err = nla_put_u32(msg, ANKUS_A_RULE_VERDICT, rule->verdict) ?:
		      ankus_nl_put_queues(msg, ANKUS_A_RULE_RX_QUEUES,
					  &rule->rx) ?:
		      ankus_nl_put_queues(msg, ANKUS_A_RULE_TX_QUEUES,
					  &rule->tx) ?:
		      ankus_nl_put_queues(msg, ANKUS_A_RULE_RX_CPUS,
					  &rule->cpus);
	for (i = 0; !err && i < rule->n_links; i++)
		err = nla_put_string(msg, ANKUS_A_RULE_LINK, rule->links[i]);
	return err ?: ankus_nl_put_ask(msg, &rule->ask) ?:
		      nla_put_u64_64bit(msg, ANKUS_A_RULE_FLOWS, rule->flows,
					ANKUS_A_RULE_PAD);
}

static int rule_get_prefix(struct genl_info *info, int attr, int len_attr,
			   u8 *family, struct in6_addr *addr, u8 *len)
{
	struct nlattr *nla = info->attrs[attr];
	struct nlattr *nla_plen = info->attrs[len_attr];
	u8 found;

	if (!nla && !nla_plen)
		return 0;
	if (!nla) {
		NL_SET_ERR_MSG_ATTR(info->extack, nla_plen,
				    "a prefix length without an address");
		return -EINVAL;
	}
	if (nla_len(nla) != 4 && nla_len(nla) != 16) {
		NL_SET_ERR_MSG_ATTR(info->extack, nla,
				    "an address has 4 or 16 bytes");
		return -EINVAL;
	}
	found = nla_len(nla) == 4 ? AF_INET : AF_INET6;
	if (*family && *family != found) {
		NL_SET_ERR_MSG_ATTR(info->extack, nla,
				    "the address is not of the family of the rule");
		return -EINVAL;
	}
	*family = found;
	memcpy(addr, nla_data(nla), nla_len(nla));
	*len = nla_plen ? nla_get_u8(nla_plen) : nla_len(nla) * 8;
	if (*len > nla_len(nla) * 8) {
		NL_SET_ERR_MSG_ATTR(info->extack, nla_plen,
				    "the prefix is longer than the address");
		return -ERANGE;
	}
	if (ankus_match_host_bits(addr, *len)) {
		NL_SET_ERR_MSG_ATTR(info->extack, nla,
				    "the address has bits set behind its prefix");
		return -EINVAL;
	}
	return 0;
}

static int rule_get_ports(struct genl_info *info, int first_attr, int last_attr,
			  bool *has, u16 ports[2])
{
	struct nlattr *first = info->attrs[first_attr];
	struct nlattr *last = info->attrs[last_attr];

	if (!first && !last)
		return 0;
	if (!first) {
		NL_SET_ERR_MSG_ATTR(info->extack, last,
				    "a range of ports needs its first");
		return -EINVAL;
	}
	ports[0] = nla_get_u16(first);
	ports[1] = last ? nla_get_u16(last) : ports[0];
	if (ports[1] < ports[0]) {
		NL_SET_ERR_MSG_ATTR(info->extack, last,
				    "a range of ports ends before it begins");
		return -ERANGE;
	}
	*has = true;
	return 0;
}

static int rule_get_match(struct genl_info *info, struct ankus_match *m)
{
	struct nlattr **attrs = info->attrs;
	int err;

	if (attrs[ANKUS_A_RULE_DIR]) {
		m->has_dir = true;
		m->dir = nla_get_u32(attrs[ANKUS_A_RULE_DIR]);
	}
	if (attrs[ANKUS_A_RULE_FAMILY]) {
		u16 family = nla_get_u16(attrs[ANKUS_A_RULE_FAMILY]);

		if (family != AF_INET && family != AF_INET6) {
			NL_SET_ERR_MSG_ATTR(info->extack,
					    attrs[ANKUS_A_RULE_FAMILY],
					    "the family is neither inet nor inet6");
			return -EINVAL;
		}
		m->family = family;
	}
	if (attrs[ANKUS_A_RULE_PROTO]) {
		m->has_proto = true;
		m->proto = nla_get_u8(attrs[ANKUS_A_RULE_PROTO]);
	}
	if (m->has_proto && m->proto != IPPROTO_TCP &&
	    m->proto != IPPROTO_UDP && m->proto != IPPROTO_SCTP) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[ANKUS_A_RULE_PROTO],
				    "flows are tcp, udp or sctp");
		return -EINVAL;
	}
	if (attrs[ANKUS_A_RULE_DSCP]) {
		m->has_dscp = true;
		m->dscp = nla_get_u8(attrs[ANKUS_A_RULE_DSCP]);
	}
	if (attrs[ANKUS_A_RULE_MARK]) {
		m->mark = nla_get_u32(attrs[ANKUS_A_RULE_MARK]);
		m->mark_mask = attrs[ANKUS_A_RULE_MARK_MASK] ?
			       nla_get_u32(attrs[ANKUS_A_RULE_MARK_MASK]) : ~0U;
		if (!m->mark_mask || m->mark & ~m->mark_mask) {
			NL_SET_ERR_MSG_ATTR(info->extack, attrs[ANKUS_A_RULE_MARK],
					    "the mark has bits outside its mask, or the mask is 0");
			return -EINVAL;
		}
	} else if (attrs[ANKUS_A_RULE_MARK_MASK]) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[ANKUS_A_RULE_MARK_MASK],
				    "a mask without a mark");
		return -EINVAL;
	}
	err = rule_get_prefix(info, ANKUS_A_RULE_SRC, ANKUS_A_RULE_SRC_LEN,
			      &m->family, &m->src, &m->src_len) ?:
	      rule_get_prefix(info, ANKUS_A_RULE_DST, ANKUS_A_RULE_DST_LEN,
			      &m->family, &m->dst, &m->dst_len);
	return err ?: rule_get_ports(info, ANKUS_A_RULE_SPORT_FIRST,
				     ANKUS_A_RULE_SPORT_LAST, &m->has_sport,
				     m->sport) ?:
		      rule_get_ports(info, ANKUS_A_RULE_DPORT_FIRST,
				     ANKUS_A_RULE_DPORT_LAST, &m->has_dport,
				     m->dport);
}

static int rule_get_links(struct genl_info *info, struct ankus_rule *rule)
{
	struct nlattr *nla;
	int rem;

	nlmsg_for_each_attr(nla, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(nla) != ANKUS_A_RULE_LINK)
			continue;
		if (rule->n_links == ANKUS_RULE_LINKS_MAX) {
			NL_SET_ERR_MSG_ATTR(info->extack, nla,
					    "a rule names 16 links at most");
			return -E2BIG;
		}
		nla_strscpy(rule->links[rule->n_links], nla,
			    sizeof(rule->links[0]));
		if (!rule->links[rule->n_links][0]) {
			NL_SET_ERR_MSG_ATTR(info->extack, nla,
					    "a link has a name");
			return -EINVAL;
		}
		rule->n_links++;
	}
	return 0;
}

/* No name means any device, so an empty one is most likely a mistake */
static int rule_check_ifname(struct genl_info *info)
{
	struct nlattr *name = info->attrs[ANKUS_A_RULE_IFNAME];

	if (!name || *(char *)nla_data(name))
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, name, "an empty device name");
	return -EINVAL;
}

/* The bits by which links are chosen are theirs; under ankus_net::lock */
static int rule_check_mark(struct ankus_net *an, struct genl_info *info,
			   const struct ankus_rule *rule)
{
	struct ankus_dev *ad;

	if (!ankus_asks(&rule->ask, ANKUS_ACTION_SET_MARK))
		return 0;
	list_for_each_entry(ad, &an->devs, list) {
		if (!(ad->mark_mask & rule->ask.mark_mask))
			continue;
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[ANKUS_A_RULE_SET_MARK],
				    "links are chosen by bits of this mask (ankus link show)");
		return -EEXIST;
	}
	return 0;
}

static int rule_parse(struct genl_info *info, struct ankus_rule *rule)
{
	struct nlattr **attrs = info->attrs;
	int err;

	if (!attrs[ANKUS_A_RULE_PREF]) {
		NL_SET_ERR_MSG(info->extack, "a rule needs a pref");
		return -EINVAL;
	}
	rule->pref = nla_get_u32(attrs[ANKUS_A_RULE_PREF]);
	err = rule_check_ifname(info);
	if (err)
		return err;
	if (attrs[ANKUS_A_RULE_IFNAME])
		nla_strscpy(rule->ifname, attrs[ANKUS_A_RULE_IFNAME],
			    sizeof(rule->ifname));
	if (attrs[ANKUS_A_RULE_RATE_BPS]) {
		rule->rate_bps = nla_get_u64(attrs[ANKUS_A_RULE_RATE_BPS]);
		if (!rule->rate_bps) {
			NL_SET_ERR_MSG_ATTR(info->extack,
					    attrs[ANKUS_A_RULE_RATE_BPS],
					    "a rate of 0 would make every flow an elephant");
			return -ERANGE;
		}
	}
	if (attrs[ANKUS_A_RULE_BYTES])
		rule->bytes = nla_get_u64(attrs[ANKUS_A_RULE_BYTES]);
	if (attrs[ANKUS_A_RULE_VERDICT])
		rule->verdict = nla_get_u32(attrs[ANKUS_A_RULE_VERDICT]);

	err = rule_get_match(info, &rule->match) ?:
	      ankus_nl_get_queues(info, ANKUS_A_RULE_RX_QUEUES,
				  ANKUS_MAX_QUEUES, &rule->rx) ?:
	      ankus_nl_get_queues(info, ANKUS_A_RULE_TX_QUEUES,
				  ANKUS_MAX_QUEUES, &rule->tx) ?:
	      ankus_nl_get_cpus(info, ANKUS_A_RULE_RX_CPUS, &rule->cpus) ?:
	      rule_get_links(info, rule);
	if (err)
		return err;
	if (rule->verdict == ANKUS_VERDICT_IGNORE &&
	    (rule->rx.some || rule->tx.some || rule->cpus.some ||
	     rule->n_links)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[ANKUS_A_RULE_VERDICT],
				    "a rule that ignores flows has no queues, CPUs or links for them");
		return -EINVAL;
	}
	return ankus_nl_get_ask(info, rule);
}

/**
 * ankus_nl_rule_new_doit() - ANKUS_CMD_RULE_NEW
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_rule_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	bool replace = nla_get_flag(info->attrs[ANKUS_A_RULE_REPLACE]);
	struct ankus_rule *rule;
	bool replaced;
	int err;

	rule = kzalloc(sizeof(*rule), GFP_KERNEL_ACCOUNT);
	if (!rule) {
		NL_SET_ERR_MSG(info->extack, "out of memory");
		return -ENOMEM;
	}
	err = rule_parse(info, rule);
	if (err)
		goto err_free;

	mutex_lock(&an->lock);
	err = rule_check_mark(an, info, rule);
	if (err) {
		mutex_unlock(&an->lock);
		goto err_free;
	}
	err = ankus_rule_add(an, rule, replace, &replaced);
	if (!err) {
		ankus_event_rule(an, rule->pref,
				 replaced ? ANKUS_EVENT_RULE_REPLACE :
					    ANKUS_EVENT_RULE_ADD);
		rule_changed(an);
	}
	mutex_unlock(&an->lock);
	if (!err)
		return 0;

	if (err == -EEXIST)
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[ANKUS_A_RULE_PREF],
				    "a rule with this pref exists (rule replace)");
	else
		NL_SET_ERR_MSG(info->extack, "there are 16384 rules already");
err_free:
	kfree(rule);
	return err;
}

/* The rule a request names */
static struct ankus_rule *rule_named(struct ankus_net *an,
				     struct genl_info *info)
{
	struct ankus_rule *rule;

	if (!info->attrs[ANKUS_A_RULE_PREF]) {
		NL_SET_ERR_MSG(info->extack, "no rule named: pref is needed");
		return ERR_PTR(-EINVAL);
	}
	rule = ankus_rule_find(an, nla_get_u32(info->attrs[ANKUS_A_RULE_PREF]));
	if (rule)
		return rule;
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[ANKUS_A_RULE_PREF],
			    "no rule with this pref");
	return ERR_PTR(-ENOENT);
}

/**
 * ankus_nl_rule_del_doit() - ANKUS_CMD_RULE_DEL
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_rule_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct ankus_rule *rule;
	int err;

	mutex_lock(&an->lock);
	rule = rule_named(an, info);
	err = PTR_ERR_OR_ZERO(rule);
	if (!err) {
		ankus_event_rule(an, rule->pref, ANKUS_EVENT_RULE_DEL);
		ankus_rule_del(an, rule);
		rule_changed(an);
	}
	mutex_unlock(&an->lock);
	return err;
}

/**
 * ankus_nl_rule_flush_doit() - ANKUS_CMD_RULE_FLUSH
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_rule_flush_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct nlattr *name = info->attrs[ANKUS_A_RULE_IFNAME];
	struct ankus_rule *rule, *tmp;
	int err = rule_check_ifname(info);

	if (err)
		return err;
	mutex_lock(&an->lock);
	list_for_each_entry_safe(rule, tmp, &an->rules, list) {
		if (name && strcmp(rule->ifname, nla_data(name)))
			continue;
		ankus_event_rule(an, rule->pref, ANKUS_EVENT_RULE_DEL);
		ankus_rule_del(an, rule);
	}
	rule_changed(an);
	mutex_unlock(&an->lock);
	return 0;
}

/**
 * ankus_nl_rule_get_doit() - ANKUS_CMD_RULE_GET of one rule
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_rule_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct ankus_nl_sums *sums = NULL;
	struct ankus_rule *rule;
	struct sk_buff *msg;
	void *hdr;
	int err;

	if (info->attrs[ANKUS_A_RULE_WITH_TCP]) {
		sums = ankus_nl_sums_new(1);
		if (!sums)
			return -ENOMEM;
	}
	msg = ankus_nl_reply_new(info, ANKUS_CMD_RULE_GET, &hdr);
	if (!msg) {
		kfree(sums);
		return -ENOMEM;
	}
	mutex_lock(&an->lock);
	rule = rule_named(an, info);
	err = IS_ERR(rule) ? PTR_ERR(rule) : rule_fill(msg, rule);
	if (!err && sums)
		err = ankus_nl_put_rule_tcp(msg, sums, an, rule);
	mutex_unlock(&an->lock);
	kfree(sums);
	return ankus_nl_reply(info, msg, hdr, err);
}

/**
 * ankus_nl_rule_get_dumpit() - ANKUS_CMD_RULE_GET of all rules
 * @skb: buffer
 * @cb: the dump; goes on behind the last pref that was written
 *
 * Context: Process.
 * Return: length of the part written, 0 at the end, or -errno.
 */
int ankus_nl_rule_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ankus_net *an = ankus_net(sock_net(skb->sk));
	bool tcp = ankus_dump_attrs(cb)[ANKUS_A_RULE_WITH_TCP];
	struct ankus_nl_sums *sums = NULL;
	int err = ankus_nl_no_filter(cb, ANKUS_A_RULE_PREF);
	struct ankus_rule *rule;
	void *hdr;

	if (err)
		return err;
	if (tcp) {
		sums = ankus_nl_sums_new(RULE_SUMS);
		if (!sums)
			return -ENOMEM;
	}
	mutex_lock(&an->lock);
	cb->seq = an->seq;
	list_for_each_entry(rule, &an->rules, list) {
		if (rule->pref < cb->args[0])
			continue;
		hdr = ankus_nl_put_dump_header(skb, cb, ANKUS_CMD_RULE_GET);
		err = hdr ? rule_fill(skb, rule) : -EMSGSIZE;
		if (!err && tcp)
			err = ankus_nl_put_rule_tcp(skb, sums, an, rule);
		if (err) {
			if (hdr)
				genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
		cb->args[0] = (long)rule->pref + 1;
	}
	mutex_unlock(&an->lock);
	kfree(sums);
	return skb->len ?: err;
}
