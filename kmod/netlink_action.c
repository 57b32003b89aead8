// SPDX-License-Identifier: GPL-2.0
/* What rules ask for beside steering, as a part of rules and flows. */
#include <linux/in.h>
#include <linux/socket.h>

#include "netlink.h"
#include "netlink_gen.h"
#include "rule.h"

/**
 * ankus_nl_put_ask() - what a rule asks for
 * @msg: buffer
 * @ask: that
 *
 * Context: Any.
 * Return: 0 or -EMSGSIZE.
 */
int ankus_nl_put_ask(struct sk_buff *msg, const struct ankus_ask *ask)
{
	int err = 0;

	if (ankus_asks(ask, ANKUS_ACTION_PACE))
		err = nla_put_u64_64bit(msg, ANKUS_A_RULE_PACE_BPS,
					ask->pace_bps, ANKUS_A_RULE_PAD);
	if (!err && ankus_asks(ask, ANKUS_ACTION_PRIORITY))
		err = nla_put_u32(msg, ANKUS_A_RULE_PRIORITY, ask->priority);
	if (!err && ankus_asks(ask, ANKUS_ACTION_SET_DSCP))
		err = nla_put_u8(msg, ANKUS_A_RULE_SET_DSCP, ask->dscp);
	if (!err && ankus_asks(ask, ANKUS_ACTION_SET_MARK))
		err = nla_put_u32(msg, ANKUS_A_RULE_SET_MARK, ask->mark) ?:
		      nla_put_u32(msg, ANKUS_A_RULE_SET_MARK_MASK,
				  ask->mark_mask);
	if (!err && ankus_asks(ask, ANKUS_ACTION_REPATH))
		err = nla_put_flag(msg, ANKUS_A_RULE_REPATH);
	return err;
}

static int action_get_mark(struct genl_info *info, struct ankus_ask *ask)
{
	struct nlattr *mark = info->attrs[ANKUS_A_RULE_SET_MARK];
	struct nlattr *mask = info->attrs[ANKUS_A_RULE_SET_MARK_MASK];

	if (!mark && !mask)
		return 0;
	if (!mark) {
		NL_SET_ERR_MSG_ATTR(info->extack, mask,
				    "a mask of set-mark without a mark");
		return -EINVAL;
	}
	ask->mark = nla_get_u32(mark);
	ask->mark_mask = mask ? nla_get_u32(mask) : ~0U;
	ask->what |= BIT(ANKUS_ACTION_SET_MARK);
	if (!ask->mark_mask) {
		NL_SET_ERR_MSG_ATTR(info->extack, mask,
				    "set-mark with a mask of 0 would set nothing");
		return -EINVAL;
	}
	if (ask->mark & ~ask->mark_mask) {
		NL_SET_ERR_MSG_ATTR(info->extack, mark,
				    "the mark of set-mark has bits outside its mask");
		return -EINVAL;
	}
	return 0;
}

/* An attribute by which a request asks for something */
static struct nlattr *action_any(const struct genl_info *info)
{
	return info->attrs[ANKUS_A_RULE_PACE_BPS] ?:
	       info->attrs[ANKUS_A_RULE_PRIORITY] ?:
	       info->attrs[ANKUS_A_RULE_SET_DSCP] ?:
	       info->attrs[ANKUS_A_RULE_SET_MARK] ?:
	       info->attrs[ANKUS_A_RULE_REPATH];
}

/* Is what is asked for of any use for the flows that the rule is for? */
static int action_check(struct genl_info *info, const struct ankus_rule *rule)
{
	const struct ankus_match *match = &rule->match;
	const struct ankus_ask *ask = &rule->ask;
	struct nlattr *nla = action_any(info);

	if (!ask->what)
		return 0;
	if (rule->verdict == ANKUS_VERDICT_IGNORE) {
		NL_SET_ERR_MSG_ATTR(info->extack, nla,
				    "a rule that ignores flows has no actions for them");
		return -EINVAL;
	}
	if (match->has_dir && match->dir == ANKUS_DIR_IN) {
		NL_SET_ERR_MSG_ATTR(info->extack, nla,
				    "pace, priority, set-dscp, set-mark and repath are for flows that are sent, the rule is for dir in");
		return -EINVAL;
	}
	nla = info->attrs[ANKUS_A_RULE_PACE_BPS] ?:
	      info->attrs[ANKUS_A_RULE_REPATH];
	if (nla && match->has_proto && match->proto != IPPROTO_TCP) {
		NL_SET_ERR_MSG_ATTR(info->extack, nla,
				    "pace and repath are for tcp, the rule is for another protocol");
		return -EINVAL;
	}
	if (ankus_asks(ask, ANKUS_ACTION_REPATH) && match->family == AF_INET) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[ANKUS_A_RULE_REPATH],
				    "IPv4 has no flow label to change, and the rule is for IPv4");
		return -EINVAL;
	}
	return 0;
}

/**
 * ankus_nl_get_ask() - read what a rule asks for beside steering
 * @info: the request
 * @rule: the rule, all else in it
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_get_ask(struct genl_info *info, struct ankus_rule *rule)
{
	struct nlattr **attrs = info->attrs;
	struct ankus_ask *ask = &rule->ask;

	if (attrs[ANKUS_A_RULE_PACE_BPS]) {
		ask->pace_bps = nla_get_u64(attrs[ANKUS_A_RULE_PACE_BPS]);
		ask->what |= BIT(ANKUS_ACTION_PACE);
		if (ask->pace_bps < ANKUS_PACE_MIN_BPS) {
			NL_SET_ERR_MSG_ATTR(info->extack,
					    attrs[ANKUS_A_RULE_PACE_BPS],
					    "a pace is 8 kbit/s at least: less would stop the flow");
			return -ERANGE;
		}
	}
	if (attrs[ANKUS_A_RULE_PRIORITY]) {
		ask->priority = nla_get_u32(attrs[ANKUS_A_RULE_PRIORITY]);
		ask->what |= BIT(ANKUS_ACTION_PRIORITY);
	}
	if (attrs[ANKUS_A_RULE_SET_DSCP]) {
		ask->dscp = nla_get_u8(attrs[ANKUS_A_RULE_SET_DSCP]);
		ask->what |= BIT(ANKUS_ACTION_SET_DSCP);
	}
	if (nla_get_flag(attrs[ANKUS_A_RULE_REPATH]))
		ask->what |= BIT(ANKUS_ACTION_REPATH);
	return action_get_mark(info, ask) ?: action_check(info, rule);
}

static int action_put_value(struct sk_buff *msg, const struct ankus_acts *acts,
			    enum ankus_action action)
{
	const struct ankus_ask *ask = &acts->ask;

	switch (action) {
	case ANKUS_ACTION_PACE:
		return nla_put_u64_64bit(msg, ANKUS_A_ACTION_PACE_BPS,
					 ask->pace_bps, ANKUS_A_ACTION_PAD);
	case ANKUS_ACTION_PRIORITY:
		return nla_put_u32(msg, ANKUS_A_ACTION_PRIORITY, ask->priority);
	case ANKUS_ACTION_SET_DSCP:
		return nla_put_u8(msg, ANKUS_A_ACTION_DSCP, ask->dscp);
	case ANKUS_ACTION_SET_MARK:
		return nla_put_u32(msg, ANKUS_A_ACTION_MARK, ask->mark) ?:
		       nla_put_u32(msg, ANKUS_A_ACTION_MARK_MASK,
				   ask->mark_mask);
	default:
		return nla_put_u32(msg, ANKUS_A_ACTION_COUNT,
				   acts->repath.count);
	}
}

/**
 * ankus_nl_put_actions() - what is done to a flow beside steering
 * @msg: buffer
 * @flow: the flow, with a control part
 *
 * Context: Under ankus_net::lock.
 * Return: 0 or -EMSGSIZE.
 */
int ankus_nl_put_actions(struct sk_buff *msg, const struct ankus_flow *flow)
{
	const struct ankus_acts *acts = &flow->ctl->acts;
	struct nlattr *nest;
	unsigned int i;

	for (i = 0; i < ANKUS_ACTIONS; i++) {
		if (!ankus_asks(&acts->ask, i))
			continue;
		nest = nla_nest_start(msg, ANKUS_A_FLOW_ACTIONS);
		if (!nest || nla_put_u32(msg, ANKUS_A_ACTION_ACTION, i) ||
		    nla_put_u32(msg, ANKUS_A_ACTION_STATE, acts->state[i]) ||
		    (acts->reason[i] &&
		     nla_put_string(msg, ANKUS_A_ACTION_REASON,
				    acts->reason[i])) ||
		    action_put_value(msg, acts, i))
			return -EMSGSIZE;
		nla_nest_end(msg, nest);
	}
	return 0;
}
