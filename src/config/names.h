/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The names that there are to choose from, for lists and completion: hosts that ssh_config files have Host lines for, and hosts and nodes
 * of the configuration files. This is the only place that reads ssh_config itself, and only for names: what a name means is what `ssh -G`
 * says. What cannot be read is passed over; numbers and sizes are bounded.
 */
#ifndef CONFIG_NAMES_H
#define CONFIG_NAMES_H

#include <stddef.h>

#include "config/settings.h"

/*
 * All hosts that have names without wildcards, sorted, each once. ssh_config: as --ssh-config, or NULL for ~/.ssh/config and
 * /etc/ssh/ssh_config; “none” is no file, as for ssh -F. Clear with settings_list_clear.
 */
void names_hosts(const struct settings *settings, const char *ssh_config, struct settings_list *hosts);
/* The nodes that the configuration files name for this host. */
void names_nodes(const struct settings *settings, const char *host, struct settings_list *nodes);
/*
 * Every file that ssh_config leads to: those above, and what their Include lines name. Which of them count for a host is not looked at. `visit`
 * is also called for what cannot be read.
 */
void names_config_files(const char *ssh_config, void (*visit)(void *context, const char *path), void *context);
/* The hosts in one ssh_config's text; the patterns of its Include lines go to `includes`. */
void names_parse_ssh_config(const char *text, size_t len, struct settings_list *hosts, struct settings_list *includes);

#endif
