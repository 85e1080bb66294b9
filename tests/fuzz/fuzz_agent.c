/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as what an ssh agent answers: keys that lie within their limits, or no agent; nothing stays when it is closed. */
#include "base/log.h"
#include "fuzz_must.h"
#include "fuzz_server.h"
#include "ssh/agent.h"
#include "ssh/known_hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct agent agent;
	char type[KNOWN_HOSTS_TYPE_MAX];

	log_set_level(-1);
	const char *path = fuzz_server_path();
	fuzz_server_begin(data, size);
	bool ok = agent_open(&agent, path);
	must(ok == (agent.fd >= 0));
	must(agent.count <= AGENT_KEYS_MAX && (ok || agent.count == 0));
	for (size_t i = 0; i < agent.count; i++) {
		must(agent.keys[i].comment != NULL && agent.keys[i].len < size);
		known_hosts_key_type(agent.keys[i].blob, agent.keys[i].len, type);
	}
	agent_close(&agent);
	must(agent.fd < 0 && agent.count == 0);
	fuzz_server_end();
	return 0;
}
