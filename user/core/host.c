/* SPDX-License-Identifier: GPL-2.0-only */
/* Looking things up in what was gathered of a box. */
#include "core/host.h"

#include <stdlib.h>
#include <string.h>

bool host_rule_broad(const struct host_rule *rule)
{
	return !rule->from.family && !rule->to.family && !rule->iif[0] && !rule->more;
}

bool host_rule_takes(const struct host_rule *rule, uint32_t mark)
{
	bool takes = !((mark ^ rule->mark) & rule->mask);

	if (rule->inverted)
		return !host_rule_broad(rule) || !takes;
	return takes;
}

const struct host_link *host_link(const struct host *host, const char *name)
{
	for (size_t i = 0; i < host->n_links; i++)
		if (!strcmp(host->links[i].name, name))
			return &host->links[i];
	return NULL;
}

const struct host_link *host_link_by_index(const struct host *host, uint32_t ifindex)
{
	for (size_t i = 0; i < host->n_links; i++)
		if (host->links[i].ifindex == ifindex)
			return &host->links[i];
	return NULL;
}

const struct host_address *host_address(const struct host *host, uint32_t ifindex, uint8_t family)
{
	for (size_t i = 0; i < host->n_addresses; i++) {
		const struct host_address *a = &host->addresses[i];

		if (a->ifindex == ifindex && a->addr.family == family &&
		    !ip_is_link_local(&a->addr))
			return a;
	}
	return NULL;
}

bool host_is_own(const struct host *host, const struct ip_addr *addr)
{
	for (size_t i = 0; i < host->n_addresses; i++)
		if (ip_equal(&host->addresses[i].addr, addr))
			return true;
	return false;
}

bool host_neighbor_valid(const struct host *host, uint32_t ifindex, const struct ip_addr *addr)
{
	for (size_t i = 0; i < host->n_neighbors; i++) {
		const struct host_neighbor *n = &host->neighbors[i];

		if (n->ifindex == ifindex && ip_equal(&n->addr, addr))
			return n->valid;
	}
	return false;
}

void host_free(struct host *host)
{
	free(host->links);
	free(host->addresses);
	free(host->neighbors);
	free(host->routes);
	free(host->rules);
	free(host->tables);
	memset(host, 0, sizeof(*host));
}
