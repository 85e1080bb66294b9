/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is served: clients as they come and go, and the channels that outlive them. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "platform/platform.h"
#include "ssh/broker_private.h"

enum {
	ACCEPT_PAUSE_MS = 100,     /* after the system had no descriptor for a client */
	ACCEPT_PATIENCE_MS = 3000, /* with that, where nobody else is served */
};

/* The system has no descriptor for a client: it waits, and may be lucky. */
static void put_off_clients(struct broker *b)
{
	b->accept_after = clock_ms() + ACCEPT_PAUSE_MS;
	b->refused_since = b->refused_since ? b->refused_since : b->accept_after;
	b->starved = b->client_count == 0 && b->accept_after - b->refused_since >= ACCEPT_PATIENCE_MS;
}

void broker_accept_clients(struct broker *b)
{
	while (b->client_count < CLIENTS_MAX) {
		int fd = accept(b->folder.listener, NULL, NULL);
		uid_t uid;
		if (fd < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
				put_off_clients(b);
			return;
		}
		b->refused_since = 0;
		/* The folder keeps others out already; where the kernel can tell, root's mistakes stay out too. */
		if (platform_peer_uid(fd, &uid) && uid != getuid()) {
			close(fd);
			continue;
		}
		io_set_cloexec(fd);
		io_set_nonblocking(fd);
		b->clients[b->client_count++] = broker_client_new(fd);
	}
}

/* One that need not be kept goes, where all places are taken. False: there is none such. */
static bool make_room_for_orphan(struct broker *b)
{
	for (size_t i = 0; b->orphan_count == ORPHANS_MAX && i < b->orphan_count; i++) {
		if (!splice_is_opening(b->orphans[i])) {
			splice_free(b->orphans[i]);
			b->orphans[i] = b->orphans[--b->orphan_count];
		}
	}
	return b->orphan_count < ORPHANS_MAX;
}

void broker_drop_clients(struct broker *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->client_count; i++) {
		/* One more orphan than there is room for has to wait in its client. */
		if (!broker_client_is_done(b->clients[i]) || !make_room_for_orphan(b)) {
			b->clients[kept++] = b->clients[i];
			continue;
		}
		struct splice *orphan = broker_client_free(b->clients[i]);
		if (orphan)
			b->orphans[b->orphan_count++] = orphan;
	}
	b->client_count = kept;
}

void broker_bury_orphans(struct broker *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->orphan_count; i++) {
		splice_advance(b->orphans[i]);
		if (splice_is_awaited(b->orphans[i]))
			b->orphans[kept++] = b->orphans[i];
		else
			splice_free(b->orphans[i]);
	}
	b->orphan_count = kept;
}
