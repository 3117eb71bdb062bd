/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Neighbours that the data plane needs before there is a packet to ask for them: the gateways. The
 * kernel is told to manage them (NTF_EXT_MANAGED, 5.16), and then asks and asks again by itself,
 * with or without a daemon. What it does not do by itself is done here:
 *
 *  - a loss of carrier deletes the entry, managed or not: added again when the link is up;
 *  - somebody flushed it, or nobody answered: added again, or asked again, after a small back-off;
 *  - before 5.16 the flag's attribute is skipped without a word. That the kernel took it shows in
 * its own news of the entry; where it does not, NTF_USE is sent each ten seconds.
 *
 * An entry that was set by hand (PERMANENT) is left alone: managing it would throw its MAC away.
 */
#include "kernel/links_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS	 1000
#define USE_PERIOD_MS	 10000 /* where the kernel can't manage */
#define NEIGH_BUF	 2048

struct managed {
	struct managed *next;
	struct links *links;
	uint32_t ifindex;
	struct ip_addr addr;
	bool by_kernel; /* its last news carried the flag */
	unsigned int backoff_ms;
	struct event *timer;
};

/* A request about one entry. buf: of NEIGH_BUF bytes. */
static struct nlmsghdr *request_start(char *buf, uint16_t type, uint32_t seq, uint32_t ifindex,
				      const struct ip_addr *addr)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = seq;
	ndm->ndm_family = addr->family == 4 ? AF_INET : AF_INET6;
	ndm->ndm_ifindex = (int)ifindex;
	mnl_attr_put(nlh, NDA_DST, addr->family == 4 ? 4 : 16, addr->bytes);
	return nlh;
}

/* Sends RTM_NEWNEIGH with NTF_USE, and the managed flag or not, and reads the answer. */
static int ask_kernel(struct mnl_socket *requests, uint32_t seq, uint32_t ifindex,
		      const struct ip_addr *addr, bool manage)
{
	char buf[NEIGH_BUF] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = request_start(buf, RTM_NEWNEIGH, seq, ifindex, addr);
	unsigned int portid = mnl_socket_get_portid(requests);
	struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	ssize_t n;

	nlh->nlmsg_flags |= NLM_F_ACK | (manage ? NLM_F_CREATE : 0);
	ndm->ndm_flags = NTF_USE;
	if (manage)
		mnl_attr_put_u32(nlh, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
	if (mnl_socket_sendto(requests, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(requests, buf, sizeof(buf));
	if (n < 0 || mnl_cb_run(buf, (size_t)n, seq, portid, NULL, NULL) < 0)
		return -errno;
	return 0;
}

static int flags_attr(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == NDA_FLAGS_EXT && !mnl_attr_validate(attr, MNL_TYPE_U32))
		*(uint32_t *)arg = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int entry_flags(const struct nlmsghdr *nlh, void *arg)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	uint32_t flags = 0;

	mnl_attr_parse(nlh, sizeof(*ndm), flags_attr, &flags);
	*(bool *)arg = (flags & NTF_EXT_MANAGED) && !(ndm->ndm_state & NUD_PERMANENT);
	return MNL_CB_STOP;
}

/* Whether the kernel has the entry, and manages it. */
static bool kernel_manages(struct mnl_socket *requests, uint32_t seq, uint32_t ifindex,
			   const struct ip_addr *addr)
{
	char buf[NEIGH_BUF] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = request_start(buf, RTM_GETNEIGH, seq, ifindex, addr);
	unsigned int portid = mnl_socket_get_portid(requests);
	bool managed = false;
	ssize_t n;

	if (mnl_socket_sendto(requests, nlh, nlh->nlmsg_len) < 0)
		return false;
	n = mnl_socket_recvfrom(requests, buf, sizeof(buf));
	return n > 0 && mnl_cb_run(buf, (size_t)n, seq, portid, entry_flags, &managed) >= 0 &&
	       managed;
}

int links_release_neighbor(uint32_t ifindex, const struct ip_addr *addr)
{
	struct mnl_socket *requests = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int err;

	if (!requests)
		return -errno;
	if (mnl_socket_bind(requests, 0, MNL_SOCKET_AUTOPID))
		err = -errno;
	else if (kernel_manages(requests, 1, ifindex, addr))
		err = ask_kernel(requests, 2, ifindex, addr, false);
	else
		err = -ENOENT;
	mnl_socket_close(requests);
	return err;
}

static void schedule(struct managed *m, unsigned int ms)
{
	struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};

	evtimer_add(m->timer, &wait);
}

static void schedule_backoff(struct managed *m)
{
	schedule(m, m->backoff_ms);
	m->backoff_ms = m->backoff_ms * 2 < BACKOFF_MAX_MS ? m->backoff_ms * 2 : BACKOFF_MAX_MS;
}

/* On a link that is down nothing is asked: neighbor_link_up will. 0 or -errno. */
static int ask(struct managed *m)
{
	const struct known_link *link = links_state_find(m->links, m->ifindex);
	const struct known_neighbor *known =
		links_state_find_neighbor(m->links, m->ifindex, &m->addr);
	int err;

	if (!link || !link->told.up || (known && known->fixed))
		return 0;
	err = ask_kernel(m->links->requests, ++m->links->seq, m->ifindex, &m->addr, true);
	if (err)
		return err;
	if (!m->by_kernel)
		schedule(m, USE_PERIOD_MS);
	return 0;
}

static void timer_due(evutil_socket_t fd, short what, void *arg)
{
	struct managed *m = arg;

	(void)fd;
	(void)what;
	if (ask(m))
		schedule_backoff(m);
}

static struct managed **managed_find(struct links *links, uint32_t ifindex,
				     const struct ip_addr *addr)
{
	struct managed **at = &links->managed;

	while (*at && ((*at)->ifindex != ifindex || !ip_equal(&(*at)->addr, addr)))
		at = &(*at)->next;
	return at;
}

static void managed_free(struct managed *m)
{
	if (m->timer)
		event_free(m->timer);
	free(m);
}

int links_manage_neighbor(struct links *links, uint32_t ifindex, const struct ip_addr *addr)
{
	struct managed *m = *managed_find(links, ifindex, addr);
	int err;

	if (m)
		return ask(m);
	if (!addr->family)
		return -EINVAL;
	if (!links_state_find(links, ifindex))
		return -ENODEV;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->links = links;
	m->ifindex = ifindex;
	m->addr = *addr;
	m->backoff_ms = BACKOFF_FIRST_MS;
	m->timer = evtimer_new(links->base, timer_due, m);
	err = m->timer ? ask(m) : -ENOMEM;
	if (err) {
		managed_free(m);
		return err;
	}
	m->next = links->managed;
	links->managed = m;
	return 0;
}

int links_unmanage_neighbor(struct links *links, uint32_t ifindex, const struct ip_addr *addr)
{
	const struct known_neighbor *known = links_state_find_neighbor(links, ifindex, addr);
	struct managed **at = managed_find(links, ifindex, addr), *m = *at;
	int err;

	if (!m)
		return -ENOENT;
	*at = m->next;
	managed_free(m);
	if (!known || known->fixed)
		return 0;
	err = ask_kernel(links->requests, ++links->seq, ifindex, addr, false);
	return err == -ENOENT ? 0 : err;
}

void neighbor_heard(struct links *links, const struct neighbor_news *news, bool gone)
{
	struct managed *m = *managed_find(links, news->ifindex, &news->addr);

	if (!m)
		return;
	m->by_kernel = news->managed;
	if (news->valid) {
		m->backoff_ms = BACKOFF_FIRST_MS;
		if (m->by_kernel || news->fixed)
			evtimer_del(m->timer);
		else
			schedule(m, USE_PERIOD_MS);
	} else if (gone || news->failed) {
		schedule_backoff(m);
	}
}

void neighbor_link_up(struct links *links, uint32_t ifindex)
{
	for (struct managed *m = links->managed; m; m = m->next) {
		if (m->ifindex != ifindex)
			continue;
		m->backoff_ms = BACKOFF_FIRST_MS;
		if (ask(m))
			schedule_backoff(m);
	}
}

void neighbor_link_gone(struct links *links, uint32_t ifindex)
{
	struct managed **at = &links->managed, *m;

	while ((m = *at)) {
		if (m->ifindex != ifindex) {
			at = &m->next;
			continue;
		}
		*at = m->next;
		managed_free(m);
	}
}

void neighbor_free(struct links *links)
{
	struct managed *m;

	while ((m = links->managed)) {
		links->managed = m->next;
		managed_free(m);
	}
}
