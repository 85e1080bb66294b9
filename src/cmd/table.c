/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/command.h"

#include <stddef.h>

#define O(field) offsetof(struct command_options, field)

/* clang-format off */
const struct option command_option_table[] = {
	{ "ssh-config", 'F', OPTION_TEXT, O(ssh_config), GROUP_CONNECT | GROUP_HOSTS | GROUP_OPEN, "FILE",
	  "Read this file instead of ~/.ssh/config and /etc/ssh/ssh_config, as ssh -F does.", 0, NULL },
	{ "ssh-option", 'o', OPTION_LIST, O(ssh_options), GROUP_CONNECT | GROUP_OPEN, "KEY=VALUE",
	  "A setting of ssh_config(5), such as Port=2222, as ssh -o takes it. May stand several times.", 0, NULL },
	{ "config", 0, OPTION_TEXT, O(config), GROUP_CONNECT | GROUP_HOSTS | GROUP_OPEN, "FILE",
	  "Read this configuration file instead of ~/.config/beamline/beamline.conf and /etc/beamline/beamline.conf; none is no file. Otherwise BEAMLINE_CONFIG.", 0, NULL },
	{ "epmd-port", 0, OPTION_PORT, O(epmd_port), GROUP_CONNECT, "PORT",
	  "EPMD's port on the host's loopback, instead of 4369.", OPTION_IN_DEFAULTS | OPTION_IN_HOST, "4369" },
	{ "dist-port", 0, OPTION_PORT, O(dist_port), GROUP_CONNECT, "PORT",
	  "The node's own distribution port; EPMD is not asked.", OPTION_IN_HOST | OPTION_IN_NODE, "as EPMD tells" },
	{ "cookie-file", 0, OPTION_TEXT, O(cookie_file), GROUP_CONNECT, "FILE",
	  "The node's cookie, in a file of this machine that nobody else may read. Otherwise BEAMLINE_COOKIE_FILE, or the remote user's ~/.erlang.cookie.", OPTION_IN_ALL | OPTION_ONE_OF, NULL },
	{ "cookie-command", 0, OPTION_TEXT, O(cookie_command), GROUP_CONNECT, "COMMAND",
	  "A command whose output is the node's cookie. /bin/sh -c runs it on this machine, once SSH is ready.", OPTION_IN_ALL | OPTION_ONE_OF, NULL },
	{ "remote-cookie-file", 0, OPTION_TEXT, O(remote_cookie_file), GROUP_CONNECT, "PATH",
	  "The node's cookie, in a file of the host that the SSH user may read.", OPTION_IN_ALL | OPTION_ONE_OF, "~/.erlang.cookie" },
	{ "remote-cookie-command", 0, OPTION_TEXT, O(remote_cookie_command), GROUP_CONNECT, "COMMAND",
	  "A command whose output is the node's cookie, run by the SSH user's shell on the host, such as sudo -n cat FILE.", OPTION_IN_ALL | OPTION_ONE_OF, NULL },
	{ "local-cookie", 0, OPTION_FLAG, O(local_cookie), GROUP_CONNECT, NULL,
	  "If no other source has a cookie, use your own ~/.erlang.cookie. Its proof lets the host guess at it: only for hosts that you trust with it.", OPTION_IN_HOST | OPTION_IN_NODE, "false" },
	{ "tls-ca", 0, OPTION_TEXT, O(tls_ca), GROUP_CONNECT, "FILE",
	  "The node speaks TLS (-proto_dist inet_tls), and its certificate must be signed by an authority of this PEM file, or stand in it.", OPTION_IN_ALL, NULL },
	{ "tls-cert", 0, OPTION_TEXT, O(tls_cert), GROUP_CONNECT, "FILE",
	  "Our certificate for TLS in PEM form, with the chain behind it, where the node wants one.", OPTION_IN_ALL, NULL },
	{ "tls-key", 0, OPTION_TEXT, O(tls_key), GROUP_CONNECT, "FILE",
	  "Its private key in PEM form, in a file that nobody else may read; in the file of --tls-cert if not given.", OPTION_IN_ALL, NULL },
	{ "tls-crl", 0, OPTION_TEXT, O(tls_crl), GROUP_CONNECT, "FILE",
	  "Revoked certificates in PEM form: the node's may not be among them.", OPTION_IN_ALL, NULL },
	{ "tls-server-name", 0, OPTION_TEXT, O(tls_server_name), GROUP_CONNECT, "NAME",
	  "Whose certificate the node's must be: a host name or address, instead of the part behind the @ of the node's name.", OPTION_IN_HOST | OPTION_IN_NODE, NULL },
	{ "tls-verify", 0, OPTION_CHOICE, O(tls_verify), GROUP_CONNECT, "peer|none",
	  "none: believe whoever answers to be the node, with a warning each time.", OPTION_IN_HOST | OPTION_IN_NODE, "peer" },
	{ "tls-passphrase-command", 0, OPTION_TEXT, O(tls_passphrase_command), GROUP_CONNECT, "COMMAND",
	  "A command whose output is the key's passphrase; /bin/sh -c runs it on this machine. Otherwise a person is asked.", OPTION_IN_ALL, NULL },
	{ "handshake-timeout", 0, OPTION_DURATION, O(handshake_timeout_ms), GROUP_CONNECT, "TIME",
	  "How long EPMD may take to answer, and the node for its handshake; 10s if not given.", OPTION_IN_DEFAULTS | OPTION_IN_HOST, "10s" },
	{ "transport", 0, OPTION_CHOICE, O(transport), GROUP_CONNECT | GROUP_OPEN, "auto|libssh|openssh",
	  "Who makes the SSH connection. auto: a live ControlMaster of yours, else libssh, or OpenSSH where libssh cannot do what ssh_config says. openssh: a ControlMaster, yours or a private one.", OPTION_IN_DEFAULTS | OPTION_IN_HOST, "auto" },
	{ "persist", 0, OPTION_DURATION, O(persist_ms), GROUP_CONNECT | GROUP_OPEN, "TIME",
	  "Keep the SSH connection for later commands, until none has used it for this time (10m, 8h). open keeps it for 8h if not given.", OPTION_IN_DEFAULTS | OPTION_IN_HOST, "not kept" },
	{ "elixir", 0, OPTION_FLAG, O(elixir), GROUP_EVALUATE, NULL,
	  "The text of eval is Elixir; results and exceptions are shown as Elixir shows them. The same as --language elixir.", 0, NULL },
	{ "language", 0, OPTION_CHOICE, O(language), GROUP_EVALUATE, "erlang|elixir",
	  "The language of the text, and of results and exceptions.", OPTION_IN_ALL, "erlang" },
	{ "timeout", 0, OPTION_DURATION, O(timeout_ms), GROUP_EVALUATE, "TIME",
	  "End the evaluation on the node, with everything linked to it, after this time (500ms, 5s, 2m). Without it there is no limit.", OPTION_IN_ALL, "no limit" },
	{ "confirm", 0, OPTION_TEXT, O(confirm), GROUP_EVALUATE, "NODE",
	  "What could stop the node may run, if the node has this name. Without it, a person is asked to type the name. Where the configuration wants an environment confirmed, the node's name or the environment's does that.", 0, NULL },
	{ "environment", 0, OPTION_TEXT, O(environment), 0, "NAME",
	  "What the host or node belongs to, such as production. A terminal shows it before eval and rpc.", OPTION_IN_ALL, NULL },
	{ "colour", 0, OPTION_CHOICE, O(colour), 0, "red|green|yellow|blue|magenta|cyan|white",
	  "The colour in which the environment is shown.", OPTION_IN_ALL, "white" },
	{ "confirm", 0, OPTION_FLAG, O(confirm_environment), 0, NULL,
	  "Before eval and rpc a person types the environment's name; without a terminal --confirm must name it, or the node.", OPTION_IN_ALL, "false" },
	{ "file", 'f', OPTION_TEXT, O(file), GROUP_EVAL, "FILE",
	  "Evaluate the text of this file; - is standard input.", 0, NULL },
	{ "full", 0, OPTION_FLAG, O(full), GROUP_EVAL, NULL,
	  "Show the whole result, where the node's shell would leave out what is deep or long.", 0, NULL },
	{ "raw", 0, OPTION_FLAG, O(raw), GROUP_EVAL, NULL,
	  "The result is a binary or iodata: write its bytes to standard output as they come, and nothing else.", 0, NULL },
	{ "names", 0, OPTION_FLAG, O(names), GROUP_HOSTS, NULL,
	  "Only names, one a line: hosts, groups as @NAME, and behind HOST: the nodes that the configuration names.", 0, NULL },
	{ "all", 'a', OPTION_FLAG, O(all), GROUP_CLOSE, NULL,
	  "All connections that stay.", 0, NULL },
	{ "json", 0, OPTION_FLAG, O(json), GROUP_JSON, NULL,
	  "Answer in JSON: one object on one line, errors too.", 0, NULL },
	{ "verbose", 'v', OPTION_COUNT, O(verbose), GROUP_ALL, NULL,
	  "Say on standard error what happens, layer by layer; -vv says more. Never a secret.", 0, NULL },
	{ "quiet", 'q', OPTION_FLAG, O(quiet), GROUP_ALL, NULL,
	  "Say nothing but results and errors.", 0, NULL },
	{ "help", 'h', OPTION_FLAG, O(help), GROUP_ALL, NULL,
	  "Show help; with a command, the command's.", 0, NULL },
	{ "version", 'V', OPTION_FLAG, O(version), GROUP_ALL, NULL,
	  "Show the version.", 0, NULL },
};
/* clang-format on */

const size_t command_option_count = sizeof command_option_table / sizeof *command_option_table;
_Static_assert(sizeof command_option_table / sizeof *command_option_table <= COMMAND_OPTIONS_MAX, "raise the maximum");

const struct command *const command_table[] = {
	&command_nodes, &command_ping,   &command_eval,  &command_rpc,    &command_open,
	&command_close, &command_status, &command_hosts, &command_config, NULL
};
