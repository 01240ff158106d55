// SPDX-License-Identifier: GPL-2.0-only
/*
 * A generic netlink family, as new kernel interfaces of this kind are made.
 */
#include <linux/module.h>
#include <net/genetlink.h>

#include "count.h"
#include "peers.h"

static struct genl_family family;
static struct count count;
static u64 sequence;

/* An answer with @length bytes in one attribute; where, goes to @data. */
static struct sk_buff *answer_new(struct genl_info *info, u32 length,
				  void **data)
{
	struct sk_buff *answer = genlmsg_new(nla_total_size(length),
					     GFP_KERNEL);
	struct nlattr *attribute;
	void *header;

	if (!answer)
		return NULL;
	header = genlmsg_put_reply(answer, info, &family, 0,
				   info->genlhdr->cmd);
	attribute = header ? nla_reserve(answer, BENCH_GENL_DATA, length) :
			     NULL;
	if (!attribute) {
		nlmsg_free(answer);
		return NULL;
	}
	*data = nla_data(attribute);
	genlmsg_end(answer, header);
	return answer;
}

static int echo(struct sk_buff *in, struct genl_info *info)
{
	const struct nlattr *attribute = info->attrs[BENCH_GENL_DATA];
	struct sk_buff *answer;
	void *data;

	if (!attribute)
		return -EINVAL;
	answer = answer_new(info, nla_len(attribute), &data);
	if (!answer)
		return -ENOMEM;
	memcpy(data, nla_data(attribute), nla_len(attribute));
	return genlmsg_reply(answer, info);
}

static int sink(struct sk_buff *in, struct genl_info *info)
{
	const struct nlattr *attribute = info->attrs[BENCH_GENL_DATA];

	if (!attribute || nla_len(attribute) < sizeof(u64))
		return -EINVAL;
	count_message(&count, nla_data(attribute));
	return 0;
}

static int burst(struct sk_buff *in, struct genl_info *info)
{
	struct sk_buff *answer;
	u32 messages, size, i;
	void *data;
	int err = 0;

	if (!info->attrs[BENCH_GENL_MESSAGES] || !info->attrs[BENCH_GENL_SIZE])
		return -EINVAL;
	messages = nla_get_u32(info->attrs[BENCH_GENL_MESSAGES]);
	size = nla_get_u32(info->attrs[BENCH_GENL_SIZE]);
	for (i = 0; !err && i < messages; i++) {
		answer = answer_new(info, size, &data);
		if (!answer)
			return -ENOMEM;
		*(u64 *)data = sequence++;
		err = genlmsg_reply(answer, info);
	}
	return err;
}

static int send_count(struct sk_buff *in, struct genl_info *info)
{
	struct sk_buff *answer;
	void *data;

	answer = answer_new(info, sizeof(struct bench_count), &data);
	if (!answer)
		return -ENOMEM;
	*(struct bench_count *)data = count_take(&count);
	sequence = 0;
	return genlmsg_reply(answer, info);
}

static const struct nla_policy policy[BENCH_GENL_ATTRIBUTES] = {
	[BENCH_GENL_DATA] = { .type = NLA_BINARY },
	[BENCH_GENL_MESSAGES] = { .type = NLA_U32 },
	[BENCH_GENL_SIZE] = { .type = NLA_U32 },
};

static const struct genl_small_ops operations[] = {
	{ .cmd = BENCH_ECHO, .doit = echo },
	{ .cmd = BENCH_SINK, .doit = sink },
	{ .cmd = BENCH_BURST, .doit = burst },
	{ .cmd = BENCH_COUNT, .doit = send_count },
};

static struct genl_family family = {
	.name = BENCH_GENL_NAME,
	.version = BENCH_GENL_VERSION,
	.maxattr = BENCH_GENL_MAX,
	.policy = policy,
	.module = THIS_MODULE,
	.small_ops = operations,
	.n_small_ops = ARRAY_SIZE(operations),
};

int genetlink_peer_init(void)
{
	return genl_register_family(&family);
}

void genetlink_peer_exit(void)
{
	genl_unregister_family(&family);
}
