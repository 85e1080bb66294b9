/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the broker share: the connection, who is served (broker_clients.c), how long (broker_stay.c). */
#ifndef SSH_BROKER_PRIVATE_H
#define SSH_BROKER_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "ssh/broker.h"
#include "ssh/broker_client.h"
#include "ssh/session.h"
#include "ssh/socket_folder.h"

enum {
	CLIENTS_MAX = 256,
	ORPHANS_MAX = 256, /* channels whose client left before the server answered, or closed its side too */
};

struct broker {
	const struct broker_start *start;
	int front; /* its end is the front's; -1: it has ended */
	bool stays;
	int64_t unused_since; /* platform_clock_ms(); 0: a client is there */
	int64_t waiting_since; /* clock_ms() when those who wait for a channel, while nobody has one, began to; 0: nobody does */
	struct socket_folder folder;
	struct session session;
	struct broker_service service;
	ssh_event event;
	struct ssh_counter_struct counter; /* of packets, kept by libssh */
	struct broker_client *clients[CLIENTS_MAX];
	size_t client_count;
	struct splice *orphans[ORPHANS_MAX];
	size_t orphan_count;
	struct pollset set;
	int listener_place;
	int ssh_place;
	int64_t accept_after;
	int64_t refused_since; /* when the first of the clients that could not be accepted was put off to; 0: the last could */
	bool starved;          /* of descriptors: a broker that can serve nobody */
	uint64_t packets; /* of them, how many everyone has had their turn after */
	uint64_t unsent;  /* how many we had made when the socket took everything the last time */
	int64_t heard;    /* clock_ms() of the last packet */
	int asked;        /* keepalive requests since then */
};

/* The SSH connection is no more: everybody is told why. */
void broker_lose(struct broker *b, const char *why);

void broker_accept_clients(struct broker *b);
/* Those who are done; what of their channels must outlive them becomes orphans. */
void broker_drop_clients(struct broker *b);
void broker_bury_orphans(struct broker *b);

/* Notes what was heard, asks the server whether it is there, loses the connection where it does not answer. */
void broker_keep_alive(struct broker *b);
/* The clock_ms() at which that, or broker_is_over, may come to another result; INT64_MAX: never by itself. */
int64_t broker_alive_until(const struct broker *b);
/* A connection that stays, and nobody uses it for so long that it ends, or it is lost and everybody has been told. */
bool broker_is_over(const struct broker *b);
/* Brings up to date what clients may ask about it. */
void broker_tell_status(struct broker *b);

#endif
