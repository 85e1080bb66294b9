# SPDX-License-Identifier: GPL-3.0-or-later
libbeamline_a_SOURCES += \
	src/ssh/agent.c src/ssh/agent.h src/ssh/auth.c src/ssh/auth.h src/ssh/auth_ask.c src/ssh/auth_keys.c src/ssh/auth_methods.h \
	src/ssh/auth_request.c src/ssh/host_key.c src/ssh/host_key.h src/ssh/host_key_algorithms.c src/ssh/key_file.c src/ssh/key_file.h \
	src/ssh/known_hosts.c src/ssh/known_hosts.h src/ssh/known_hosts_files.c src/ssh/known_hosts_files.h \
	src/ssh/resolve.c src/ssh/resolve.h src/ssh/ssh_config.c
