// SPDX-License-Identifier: GPL-2.0
/* The rule list: its order, its limits, and what it says of a flow. */
#include <kunit/test.h>
#include <linux/in.h>
#include <linux/slab.h>

#include "../dev.h"
#include "../rule.h"

#define RULE_DEV_RATE 1000000000ULL

/**
 * struct rule_test - a namespace with two managed devices
 * @an: the namespace's state
 * @netdev: the devices; of one nothing but its name is looked at
 * @ad: managed
 * @flow: a flow of the first
 */
struct rule_test {
	struct ankus_net an;
	struct net_device *netdev[2];
	struct ankus_dev *ad[2];
	struct ankus_flow *flow;
};

static struct ankus_rule *rule_new(u32 pref)
{
	struct ankus_rule *rule = kzalloc(sizeof(*rule), GFP_KERNEL);

	if (rule)
		rule->pref = pref;
	return rule;
}

static int rule_add(struct rule_test *rt, struct ankus_rule *rule, bool replace,
		    bool *replaced)
{
	int err;

	mutex_lock(&rt->an.lock);
	err = ankus_rule_add(&rt->an, rule, replace, replaced);
	mutex_unlock(&rt->an.lock);
	return err;
}

/* A rule on the list, to be filled in */
static struct ankus_rule *rule_on_list(struct kunit *test, u32 pref)
{
	struct ankus_rule *rule = rule_new(pref);
	bool replaced;

	KUNIT_ASSERT_NOT_NULL(test, rule);
	KUNIT_ASSERT_EQ(test, rule_add(test->priv, rule, false, &replaced), 0);
	KUNIT_EXPECT_FALSE(test, replaced);
	return rule;
}

static struct ankus_rule *rule_find(struct rule_test *rt, u32 pref)
{
	struct ankus_rule *rule;

	mutex_lock(&rt->an.lock);
	rule = ankus_rule_find(&rt->an, pref);
	mutex_unlock(&rt->an.lock);
	return rule;
}

static void rule_del(struct rule_test *rt, struct ankus_rule *rule)
{
	mutex_lock(&rt->an.lock);
	ankus_rule_del(&rt->an, rule);
	mutex_unlock(&rt->an.lock);
}

static unsigned int rule_flush(struct rule_test *rt, const char *ifname)
{
	unsigned int n;

	mutex_lock(&rt->an.lock);
	n = ankus_rule_flush(&rt->an, ifname);
	mutex_unlock(&rt->an.lock);
	return n;
}

static void rule_apply(struct rule_test *rt)
{
	mutex_lock(&rt->an.lock);
	ankus_rule_apply(rt->ad[0], rt->flow);
	mutex_unlock(&rt->an.lock);
}

static u64 rule_lowest_rate(struct rule_test *rt, unsigned int dev)
{
	u64 rate;

	mutex_lock(&rt->an.lock);
	rate = ankus_rule_lowest_rate(rt->ad[dev]);
	mutex_unlock(&rt->an.lock);
	return rate;
}

/* The list holds rules of these preferences, in this order */
static void expect_prefs(struct kunit *test, const u32 *prefs, unsigned int n)
{
	struct rule_test *rt = test->priv;
	struct ankus_rule *rule;
	unsigned int i = 0;

	KUNIT_EXPECT_EQ(test, rt->an.rule_count, n);
	list_for_each_entry(rule, &rt->an.rules, list) {
		KUNIT_ASSERT_LT(test, i, n);
		KUNIT_EXPECT_EQ(test, rule->pref, prefs[i]);
		i++;
	}
	KUNIT_EXPECT_EQ(test, i, n);
}

#define EXPECT_PREFS(test, ...) do {					\
	static const u32 prefs[] = { __VA_ARGS__ };			\
	expect_prefs(test, prefs, ARRAY_SIZE(prefs));			\
} while (0)

/* Whoever caches what the rules say must notice that they changed */
static void expect_changed(struct kunit *test, u32 *gen, u32 *seq, bool changed)
{
	struct rule_test *rt = test->priv;

	KUNIT_EXPECT_EQ(test, rt->an.rule_gen != *gen, changed);
	KUNIT_EXPECT_EQ(test, rt->an.seq != *seq, changed);
	*gen = rt->an.rule_gen;
	*seq = rt->an.seq;
}

static void rule_sorted(struct kunit *test)
{
	struct rule_test *rt = test->priv;
	struct ankus_rule *rule;

	expect_prefs(test, NULL, 0);
	rule_on_list(test, 300);
	rule_on_list(test, 100);
	rule_on_list(test, 200);
	rule_on_list(test, U32_MAX);
	rule = rule_on_list(test, 0);
	rule_on_list(test, 201);
	EXPECT_PREFS(test, 0, 100, 200, 201, 300, U32_MAX);

	KUNIT_EXPECT_PTR_EQ(test, rule_find(rt, 0), rule);
	KUNIT_EXPECT_EQ(test, rule_find(rt, 201)->pref, 201);
	KUNIT_EXPECT_EQ(test, rule_find(rt, U32_MAX)->pref, U32_MAX);
	KUNIT_EXPECT_NULL(test, rule_find(rt, 1));
}

static void rule_exists(struct kunit *test)
{
	struct rule_test *rt = test->priv;
	struct ankus_rule *old = rule_on_list(test, 100);
	struct ankus_rule *rule = rule_new(100);
	bool replaced = false;
	u32 gen, seq;

	KUNIT_ASSERT_NOT_NULL(test, rule);
	gen = rt->an.rule_gen;
	seq = rt->an.seq;
	KUNIT_EXPECT_EQ(test, rule_add(rt, rule, false, &replaced), -EEXIST);
	kfree(rule);
	expect_changed(test, &gen, &seq, false);
	KUNIT_EXPECT_PTR_EQ(test, rule_find(rt, 100), old);
	EXPECT_PREFS(test, 100);
}

static void rule_replace(struct kunit *test)
{
	struct rule_test *rt = test->priv;
	struct ankus_rule *rule = rule_new(200);
	bool replaced = false;
	u32 gen, seq;

	rule_on_list(test, 100);
	rule_on_list(test, 200);
	rule_on_list(test, 300);
	gen = rt->an.rule_gen;
	seq = rt->an.seq;

	KUNIT_ASSERT_NOT_NULL(test, rule);
	KUNIT_EXPECT_EQ(test, rule_add(rt, rule, true, &replaced), 0);
	KUNIT_EXPECT_TRUE(test, replaced);
	KUNIT_EXPECT_PTR_EQ(test, rule_find(rt, 200), rule);
	EXPECT_PREFS(test, 100, 200, 300);
	expect_changed(test, &gen, &seq, true);

	/* with nothing to replace it is an addition */
	rule = rule_new(250);
	KUNIT_ASSERT_NOT_NULL(test, rule);
	KUNIT_EXPECT_EQ(test, rule_add(rt, rule, true, &replaced), 0);
	KUNIT_EXPECT_FALSE(test, replaced);
	EXPECT_PREFS(test, 100, 200, 250, 300);
	expect_changed(test, &gen, &seq, true);
}

static void rule_delete(struct kunit *test)
{
	struct rule_test *rt = test->priv;
	u32 gen, seq;

	rule_on_list(test, 100);
	rule_on_list(test, 200);
	rule_on_list(test, 300);
	gen = rt->an.rule_gen;
	seq = rt->an.seq;
	rule_del(rt, rule_find(rt, 200));
	EXPECT_PREFS(test, 100, 300);
	expect_changed(test, &gen, &seq, true);
	KUNIT_EXPECT_NULL(test, rule_find(rt, 200));
	rule_del(rt, rule_find(rt, 100));
	rule_del(rt, rule_find(rt, 300));
	expect_prefs(test, NULL, 0);
}

/* Memory is bounded: a full list takes no more, but lets rules be replaced */
static void rule_full(struct kunit *test)
{
	struct rule_test *rt = test->priv;
	struct ankus_rule *rule;
	bool replaced;

	rule_on_list(test, 100);
	/* all but two of the others are thought of */
	rt->an.rule_count += ANKUS_RULES_MAX - 2;
	rule_on_list(test, 200);
	rule = rule_new(300);
	KUNIT_ASSERT_NOT_NULL(test, rule);
	KUNIT_EXPECT_EQ(test, rule_add(rt, rule, false, &replaced), -ENOSPC);
	KUNIT_EXPECT_EQ(test, rule_add(rt, rule, true, &replaced), -ENOSPC);
	rule->pref = 200;
	KUNIT_EXPECT_EQ(test, rule_add(rt, rule, false, &replaced), -EEXIST);
	KUNIT_EXPECT_EQ(test, rule_add(rt, rule, true, &replaced), 0);
	KUNIT_EXPECT_EQ(test, rt->an.rule_count, ANKUS_RULES_MAX);
	rule_del(rt, rule_find(rt, 100));
	rule_on_list(test, 300);
	rt->an.rule_count -= ANKUS_RULES_MAX - 2;
	EXPECT_PREFS(test, 200, 300);
}

static void rule_flush_all(struct kunit *test)
{
	struct rule_test *rt = test->priv;
	u32 i, gen, seq;

	for (i = 0; i < 20; i++)
		rule_on_list(test, 1000 - i);
	gen = rt->an.rule_gen;
	seq = rt->an.seq;
	KUNIT_EXPECT_EQ(test, rule_flush(rt, NULL), 20);
	expect_prefs(test, NULL, 0);
	expect_changed(test, &gen, &seq, true);
	KUNIT_EXPECT_EQ(test, rule_flush(rt, NULL), 0);
	expect_changed(test, &gen, &seq, false);
}

static void rule_flush_device(struct kunit *test)
{
	static const char *const ifnames[] = { "", "eth0", "eth1", "eth00" };
	struct rule_test *rt = test->priv;
	u32 i;

	for (i = 0; i < 8; i++)
		strscpy(rule_on_list(test, i)->ifname, ifnames[i % 4]);
	KUNIT_EXPECT_EQ(test, rule_flush(rt, "eth0"), 2);
	EXPECT_PREFS(test, 0, 2, 3, 4, 6, 7);
	KUNIT_EXPECT_EQ(test, rule_flush(rt, "eth"), 0);
	/* those of no device are not those of any */
	KUNIT_EXPECT_EQ(test, rule_flush(rt, ""), 2);
	EXPECT_PREFS(test, 2, 3, 6, 7);
}

static void rule_none(struct kunit *test)
{
	struct rule_test *rt = test->priv;

	rt->flow->ignored = true;
	rt->flow->min_bytes = 5;
	rt->flow->rate_bps = 5;
	rule_apply(rt);
	KUNIT_EXPECT_NULL(test, rt->flow->rule);
	KUNIT_EXPECT_FALSE(test, rt->flow->ruled);
	KUNIT_EXPECT_FALSE(test, rt->flow->ignored);
	KUNIT_EXPECT_EQ(test, rt->flow->rate_bps, RULE_DEV_RATE);
	KUNIT_EXPECT_EQ(test, rt->flow->min_bytes, 0);
	KUNIT_EXPECT_EQ(test, rt->flow->rule_gen, rt->an.rule_gen);
}

static void rule_first_match(struct kunit *test)
{
	struct rule_test *rt = test->priv;
	struct ankus_rule *udp, *tcp, *any;

	any = rule_on_list(test, 300);
	tcp = rule_on_list(test, 200);
	tcp->match.has_proto = true;
	tcp->match.proto = IPPROTO_TCP;
	udp = rule_on_list(test, 100);
	udp->match.has_proto = true;
	udp->match.proto = IPPROTO_UDP;

	rule_apply(rt);
	KUNIT_EXPECT_PTR_EQ(test, rt->flow->rule, tcp);
	KUNIT_EXPECT_TRUE(test, rt->flow->ruled);
	KUNIT_EXPECT_EQ(test, rt->flow->rule_pref, 200);
	KUNIT_EXPECT_EQ(test, rt->flow->rule_gen, rt->an.rule_gen);
	KUNIT_EXPECT_EQ(test, tcp->flows, 1);
	KUNIT_EXPECT_EQ(test, any->flows, 0);
	KUNIT_EXPECT_EQ(test, udp->flows, 0);

	rt->flow->key.proto = IPPROTO_SCTP;
	rule_apply(rt);
	KUNIT_EXPECT_PTR_EQ(test, rt->flow->rule, any);
	KUNIT_EXPECT_EQ(test, any->flows, 1);

	rule_del(rt, any);
	rule_apply(rt);
	KUNIT_EXPECT_NULL(test, rt->flow->rule);
	KUNIT_EXPECT_FALSE(test, rt->flow->ruled);
}

/* The last seen DSCP and mark of a flow count */
static void rule_dscp_mark(struct kunit *test)
{
	struct rule_test *rt = test->priv;
	struct ankus_rule *rule = rule_on_list(test, 1);

	rule->match.has_dscp = true;
	rule->match.dscp = 8;
	rule->match.mark = 0x10;
	rule->match.mark_mask = 0xf0;
	rule_apply(rt);
	KUNIT_EXPECT_NULL(test, rt->flow->rule);
	rt->flow->dscp = 8;
	rule_apply(rt);
	KUNIT_EXPECT_NULL(test, rt->flow->rule);
	rt->flow->mark = 0x11f;
	rule_apply(rt);
	KUNIT_EXPECT_PTR_EQ(test, rt->flow->rule, rule);
}

/* However often other rules change, a flow counts once */
static void rule_counts_once(struct kunit *test)
{
	struct rule_test *rt = test->priv;
	struct ankus_rule *rule = rule_on_list(test, 100);
	bool replaced;
	u32 i;

	for (i = 0; i < 5; i++) {
		rule_on_list(test, 200 + i);
		rule_apply(rt);
	}
	KUNIT_EXPECT_EQ(test, rule->flows, 1);

	/* a rule in its place is another one */
	rule = rule_new(100);
	KUNIT_ASSERT_NOT_NULL(test, rule);
	KUNIT_ASSERT_EQ(test, rule_add(rt, rule, true, &replaced), 0);
	rule_apply(rt);
	rule_apply(rt);
	KUNIT_EXPECT_EQ(test, rule->flows, 1);
}

static void rule_device(struct kunit *test)
{
	struct rule_test *rt = test->priv;
	struct ankus_rule *other, *own, *any;

	other = rule_on_list(test, 100);
	strscpy(other->ifname, "eth1");
	own = rule_on_list(test, 200);
	strscpy(own->ifname, "eth0");
	any = rule_on_list(test, 300);

	rule_apply(rt);
	KUNIT_EXPECT_PTR_EQ(test, rt->flow->rule, own);
	/* a rule follows the name, not the device */
	strscpy(rt->netdev[0]->name, "eth1");
	rule_apply(rt);
	KUNIT_EXPECT_PTR_EQ(test, rt->flow->rule, other);
	strscpy(rt->netdev[0]->name, "eth01");
	rule_apply(rt);
	KUNIT_EXPECT_PTR_EQ(test, rt->flow->rule, any);
}

static void rule_ignore(struct kunit *test)
{
	struct rule_test *rt = test->priv;
	struct ankus_rule *rule = rule_on_list(test, 100);

	rule_apply(rt);
	KUNIT_EXPECT_FALSE(test, rt->flow->ignored);
	rule->verdict = ANKUS_VERDICT_IGNORE;
	rule_apply(rt);
	KUNIT_EXPECT_TRUE(test, rt->flow->ignored);
	rule->verdict = ANKUS_VERDICT_AUTO;
	rule_apply(rt);
	KUNIT_EXPECT_FALSE(test, rt->flow->ignored);
}

static void rule_thresholds(struct kunit *test)
{
	struct rule_test *rt = test->priv;
	struct ankus_rule *rule = rule_on_list(test, 100);

	rule_apply(rt);
	KUNIT_EXPECT_EQ(test, rt->flow->rate_bps, RULE_DEV_RATE);
	KUNIT_EXPECT_EQ(test, rt->flow->min_bytes, 0);
	/* lower or higher than the device's */
	rule->rate_bps = 5000000;
	rule->bytes = 10485760;
	rule_apply(rt);
	KUNIT_EXPECT_EQ(test, rt->flow->rate_bps, 5000000);
	KUNIT_EXPECT_EQ(test, rt->flow->min_bytes, 10485760);
	rule->rate_bps = 5 * RULE_DEV_RATE;
	rule_apply(rt);
	KUNIT_EXPECT_EQ(test, rt->flow->rate_bps, 5 * RULE_DEV_RATE);
}

/* What a flow may have to pass: rules of other devices do not count */
static void rule_lowest(struct kunit *test)
{
	struct rule_test *rt = test->priv;
	struct ankus_rule *rule;

	KUNIT_EXPECT_EQ(test, rule_lowest_rate(rt, 0), RULE_DEV_RATE);
	rule_on_list(test, 1)->rate_bps = 5 * RULE_DEV_RATE;
	rule_on_list(test, 2)->rate_bps = 0;
	KUNIT_EXPECT_EQ(test, rule_lowest_rate(rt, 0), RULE_DEV_RATE);
	rule = rule_on_list(test, 3);
	rule->rate_bps = 7000000;
	strscpy(rule->ifname, "eth1");
	KUNIT_EXPECT_EQ(test, rule_lowest_rate(rt, 0), RULE_DEV_RATE);
	KUNIT_EXPECT_EQ(test, rule_lowest_rate(rt, 1), 7000000);
	rule_on_list(test, 4)->rate_bps = 9000000;
	KUNIT_EXPECT_EQ(test, rule_lowest_rate(rt, 0), 9000000);
	KUNIT_EXPECT_EQ(test, rule_lowest_rate(rt, 1), 7000000);
}

static void rule_links(struct kunit *test)
{
	struct ankus_rule *rule = rule_on_list(test, 1);
	unsigned int i;

	KUNIT_EXPECT_TRUE(test, ankus_rule_has_link(rule, "p0"));
	rule->n_links = 1;
	strscpy(rule->links[0], "p1");
	KUNIT_EXPECT_FALSE(test, ankus_rule_has_link(rule, "p0"));
	KUNIT_EXPECT_TRUE(test, ankus_rule_has_link(rule, "p1"));
	KUNIT_EXPECT_FALSE(test, ankus_rule_has_link(rule, "p11"));
	KUNIT_EXPECT_FALSE(test, ankus_rule_has_link(rule, ""));
	for (i = 0; i < ANKUS_RULE_LINKS_MAX; i++)
		snprintf(rule->links[i], sizeof(rule->links[i]), "link%u", i);
	rule->n_links = ANKUS_RULE_LINKS_MAX - 1;
	KUNIT_EXPECT_TRUE(test, ankus_rule_has_link(rule, "link0"));
	KUNIT_EXPECT_TRUE(test, ankus_rule_has_link(rule, "link14"));
	/* behind the last */
	KUNIT_EXPECT_FALSE(test, ankus_rule_has_link(rule, "link15"));
	rule->n_links = ANKUS_RULE_LINKS_MAX;
	KUNIT_EXPECT_TRUE(test, ankus_rule_has_link(rule, "link15"));
}

static void rule_test_flush(void *rt)
{
	rule_flush(rt, NULL);
}

static int rule_test_init(struct kunit *test)
{
	struct rule_test *rt = kunit_kzalloc(test, sizeof(*rt), GFP_KERNEL);
	unsigned int i;

	if (!rt)
		return -ENOMEM;
	test->priv = rt;
	ankus_net_setup(&rt->an, &init_net);
	for (i = 0; i < ARRAY_SIZE(rt->ad); i++) {
		rt->ad[i] = kunit_kzalloc(test, sizeof(*rt->ad[i]), GFP_KERNEL);
		rt->netdev[i] = kunit_kzalloc(test, sizeof(*rt->netdev[i]),
					      GFP_KERNEL);
		if (!rt->ad[i] || !rt->netdev[i])
			return -ENOMEM;
		snprintf(rt->netdev[i]->name, IFNAMSIZ, "eth%u", i);
		ankus_config_default(&rt->ad[i]->cfg);
		rt->ad[i]->cfg.rate_bps = RULE_DEV_RATE;
		rt->ad[i]->netdev = rt->netdev[i];
		rt->ad[i]->an = &rt->an;
	}
	rt->flow = kunit_kzalloc(test, sizeof(*rt->flow), GFP_KERNEL);
	if (!rt->flow)
		return -ENOMEM;
	rt->flow->key.family = AF_INET;
	rt->flow->key.proto = IPPROTO_TCP;
	rt->flow->table = &rt->ad[0]->flows;
	return kunit_add_action_or_reset(test, rule_test_flush, rt);
}

static struct kunit_case rule_cases[] = {
	KUNIT_CASE(rule_sorted),
	KUNIT_CASE(rule_exists),
	KUNIT_CASE(rule_replace),
	KUNIT_CASE(rule_delete),
	KUNIT_CASE(rule_full),
	KUNIT_CASE(rule_flush_all),
	KUNIT_CASE(rule_flush_device),
	KUNIT_CASE(rule_none),
	KUNIT_CASE(rule_first_match),
	KUNIT_CASE(rule_dscp_mark),
	KUNIT_CASE(rule_counts_once),
	KUNIT_CASE(rule_device),
	KUNIT_CASE(rule_ignore),
	KUNIT_CASE(rule_thresholds),
	KUNIT_CASE(rule_lowest),
	KUNIT_CASE(rule_links),
	{}
};

static struct kunit_suite rule_suite = {
	.name = "ankus_rule",
	.init = rule_test_init,
	.test_cases = rule_cases,
};

kunit_test_suite(rule_suite);
