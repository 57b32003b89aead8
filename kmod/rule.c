// SPDX-License-Identifier: GPL-2.0
/*
 * The rule list of a namespace.
 *
 * Rules are looked at when a flow becomes a candidate and when they change,
 * never per packet, so a sorted list and a linear search are enough.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "dev.h"
#include "rule.h"

/**
 * ankus_rule_find() - find a rule
 * @an: state of the namespace
 * @pref: its preference
 *
 * Context: Under ankus_net::lock.
 * Return: the rule, or NULL.
 */
struct ankus_rule *ankus_rule_find(struct ankus_net *an, u32 pref)
{
	struct ankus_rule *rule;

	lockdep_assert_held(&an->lock);

	list_for_each_entry(rule, &an->rules, list)
		if (rule->pref == pref)
			return rule;
	return NULL;
}

static void rules_changed(struct ankus_net *an)
{
	an->rule_gen++;
	an->seq++;
}

/**
 * ankus_rule_add() - add a rule
 * @an: state of the namespace
 * @rule: the rule, owned by the list on success
 * @replace: take the place of a rule with the same preference
 * @replaced: set to whether there was one
 *
 * Context: Under ankus_net::lock.
 * Return: 0; -EEXIST when the preference is taken and @replace is false;
 * -ENOSPC when there are too many rules.
 */
int ankus_rule_add(struct ankus_net *an, struct ankus_rule *rule, bool replace,
		   bool *replaced)
{
	struct ankus_rule *old = ankus_rule_find(an, rule->pref);
	struct ankus_rule *next;

	*replaced = old;
	if (old && !replace)
		return -EEXIST;
	if (old) {
		list_replace(&old->list, &rule->list);
		kfree(old);
		rules_changed(an);
		rule->born = an->rule_gen;
		return 0;
	}
	if (an->rule_count >= ANKUS_RULES_MAX)
		return -ENOSPC;

	list_for_each_entry(next, &an->rules, list)
		if (next->pref > rule->pref)
			break;
	/* before @next, which is the head when no rule comes later */
	list_add_tail(&rule->list, &next->list);
	an->rule_count++;
	rules_changed(an);
	rule->born = an->rule_gen;
	return 0;
}

/**
 * ankus_rule_del() - remove and free a rule
 * @an: state of the namespace
 * @rule: the rule
 *
 * Context: Under ankus_net::lock.
 */
void ankus_rule_del(struct ankus_net *an, struct ankus_rule *rule)
{
	lockdep_assert_held(&an->lock);

	list_del(&rule->list);
	kfree(rule);
	an->rule_count--;
	rules_changed(an);
}

/**
 * ankus_rule_flush() - remove and free rules
 * @an: state of the namespace
 * @ifname: only those of this device, NULL for all
 *
 * Context: Under ankus_net::lock.
 * Return: how many there were.
 */
unsigned int ankus_rule_flush(struct ankus_net *an, const char *ifname)
{
	struct ankus_rule *rule, *tmp;
	unsigned int n = 0;

	list_for_each_entry_safe(rule, tmp, &an->rules, list) {
		if (ifname && strcmp(rule->ifname, ifname))
			continue;
		ankus_rule_del(an, rule);
		n++;
	}
	return n;
}

static bool rule_for_dev(const struct ankus_rule *rule,
			 const struct ankus_dev *ad)
{
	return !rule->ifname[0] || !strcmp(rule->ifname, ad->netdev->name);
}

/**
 * ankus_rule_apply() - find the rule of a flow and what follows from it
 * @ad: the flow's device
 * @flow: the flow; its rule, threshold and ignored mark are set
 *
 * Context: Control loop, under ankus_net::lock.
 */
void ankus_rule_apply(struct ankus_dev *ad, struct ankus_flow *flow)
{
	struct ankus_net *an = ad->an;
	struct ankus_rule *rule;
	bool found = false;

	lockdep_assert_held(&an->lock);

	list_for_each_entry(rule, &an->rules, list) {
		if (rule_for_dev(rule, ad) &&
		    ankus_match_flow(&rule->match, &flow->key,
				     READ_ONCE(flow->dscp),
				     ankus_flow_mark(flow))) {
			found = true;
			break;
		}
	}
	if (!found)
		rule = NULL;

	/* A rule counts a flow once, however often other rules change */
	if (rule && !(flow->ruled && flow->rule_born == rule->born))
		rule->flows++;
	if (rule)
		flow->rule_born = rule->born;
	flow->rule = rule;
	flow->rule_gen = an->rule_gen;
	flow->ruled = found;
	flow->rule_pref = found ? rule->pref : 0;
	flow->ignored = found && rule->verdict == ANKUS_VERDICT_IGNORE;
	flow->rate_bps = found && rule->rate_bps ? rule->rate_bps :
						   ad->cfg.rate_bps;
	flow->min_bytes = found ? rule->bytes : 0;
}

/**
 * ankus_rule_lowest_rate() - lowest threshold that a flow may have to pass
 * @ad: a device
 *
 * Context: Under ankus_net::lock.
 * Return: bits per second, over the device's own and those of all its rules.
 */
u64 ankus_rule_lowest_rate(struct ankus_dev *ad)
{
	u64 lowest = ad->cfg.rate_bps;
	struct ankus_rule *rule;

	lockdep_assert_held(&ad->an->lock);

	list_for_each_entry(rule, &ad->an->rules, list)
		if (rule->rate_bps && rule_for_dev(rule, ad))
			lowest = min(lowest, rule->rate_bps);
	return lowest;
}

/**
 * ankus_rule_has_link() - may flows of a rule use a link?
 * @rule: the rule
 * @name: name of the link
 *
 * Context: Under ankus_net::lock.
 * Return: true if so.
 */
bool ankus_rule_has_link(const struct ankus_rule *rule, const char *name)
{
	unsigned int i;

	if (!rule->n_links)
		return true;
	for (i = 0; i < rule->n_links; i++)
		if (!strcmp(rule->links[i], name))
			return true;
	return false;
}
