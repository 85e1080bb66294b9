/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/completion.h"

#include <stdio.h>
#include <string.h>

#include "cmd/command.h"

/* Names are looked for in the configuration only: nothing is connected to by completion. */
static const char hosts_function[] = "_beamline_hosts() {\n"
				     "\tlocal user=\n"
				     "\tcase $2 in\n"
				     "\t*:*) \"$1\" hosts --names \"${2%%:*}:\" 2>/dev/null; return ;;\n"
				     "\t[!@]*@*) user=${2%%@*}@ ;;\n"
				     "\tesac\n"
				     "\t\"$1\" hosts --names 2>/dev/null | while IFS= read -r name; do\n"
				     "\t\tcase $3$name in host@*) ;; *) printf '%s\\n' \"$user$name\" ;; esac\n"
				     "\tdone\n"
				     "}\n";

static const char bash_function[] =
	"_beamline_fit() {\n"
	"\tlocal word\n"
	"\twhile IFS= read -r word; do\n"
	"\t\tif [[ $word == \"$1\"* ]]; then COMPREPLY+=(\"$word\"); fi\n"
	"\tdone\n"
	"}\n"
	"_beamline() {\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} command= how= cur= word place=1\n"
	"\tlocal -a words=()\n"
	"\tread -ra words <<<\"$line\"\n"
	"\tif [[ $line == *[[:space:]] ]]; then words+=(\"\"); fi\n"
	"\tcur=${words[${#words[@]} - 1]}\n"
	"\tfor word in \"${words[@]:1:${#words[@]} - 2}\"; do\n"
	"\t\tif [[ $how ]]; then how=; continue; fi\n"
	"\t\tcase $word in\n"
	"\t\t--*=*) ;;\n"
	"\t\t-?*) how=$(_beamline_argument \"$word\") ;;\n"
	"\t\t*) if [[ $command ]]; then place=$((place + 1)); else command=$word; fi ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tCOMPREPLY=()\n"
	"\tif [[ ! $how && $cur == --*=* ]]; then\n"
	"\t\thow=$(_beamline_argument \"${cur%%=*}\")\n"
	"\t\tcur=${cur#*=}\n"
	"\tfi\n"
	"\tif [[ ! $how && $command && $cur != -* ]]; then how=$(_beamline_place \"$command\" \"$place\"); fi\n"
	"\tcase $how in\n"
	"\tfile) compopt -o filenames 2>/dev/null; _beamline_fit \"$cur\" < <(compgen -f -- \"$cur\") ;;\n"
	"\twords\\ *) _beamline_fit \"$cur\" < <(tr ' ' '\\n' <<<\"${how#words }\") ;;\n"
	"\thost|pattern) _beamline_fit \"$cur\" < <(_beamline_hosts \"$1\" \"$cur\" \"$how\") ;;\n"
	"\t'')\n"
	"\t\tif [[ $cur == -* ]]; then _beamline_fit \"$cur\" < <(_beamline_options \"$command\")\n"
	"\t\telif [[ ! $command ]]; then _beamline_fit \"$cur\" < <(_beamline_commands)\n"
	"\t\tfi ;;\n"
	"\tesac\n"
	"\t# Where a colon ends a word for readline, it has the part before it already.\n"
	"\tif [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then\n"
	"\t\tword=${cur%\"${cur##*:}\"}\n"
	"\t\tCOMPREPLY=(\"${COMPREPLY[@]#\"$word\"}\")\n"
	"\tfi\n"
	"}\n"
	"complete -F _beamline beamline\n";

static const char zsh_function[] =
	"_beamline() {\n"
	"\tlocal cur=$words[CURRENT] command= how= word place=1\n"
	"\tfor word in \"${(@)words[2,CURRENT-1]}\"; do\n"
	"\t\tif [[ -n $how ]]; then how=; continue; fi\n"
	"\t\tcase $word in\n"
	"\t\t--*=*) ;;\n"
	"\t\t-?*) how=$(_beamline_argument \"$word\") ;;\n"
	"\t\t*) if [[ -n $command ]]; then place=$((place + 1)); else command=$word; fi ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tif [[ -z $how && $cur == --*=* ]]; then\n"
	"\t\thow=$(_beamline_argument \"${cur%%=*}\")\n"
	"\t\tcompset -P '*='\n"
	"\tfi\n"
	"\tif [[ -z $how && -n $command && $cur != -* ]]; then how=$(_beamline_place \"$command\" \"$place\"); fi\n"
	"\tcase $how in\n"
	"\tfile) _files; return ;;\n"
	"\twords\\ *) compadd -- ${(s: :)how#words }; return ;;\n"
	"\thost|pattern) compadd -- ${(f)\"$(_beamline_hosts \"$words[1]\" \"$cur\" \"$how\")\"}; return ;;\n"
	"\tany) return ;;\n"
	"\tesac\n"
	"\tif [[ $cur == -* ]]; then compadd -- ${(f)\"$(_beamline_options \"$command\")\"}\n"
	"\telif [[ -z $command ]]; then compadd -- ${(f)\"$(_beamline_commands)\"}\n"
	"\tfi\n"
	"}\n"
	"if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _beamline \"$@\"; else compdef _beamline beamline; fi\n";

static const char fish_functions[] =
	"function __beamline_words\n"
	"\tset -l how\n"
	"\tfor word in (commandline -opc)[2..-1]\n"
	"\t\tif test -n \"$how\"\n"
	"\t\t\tset how\n"
	"\t\telse if string match -q -- '-*' $word\n"
	"\t\t\tstring match -q -- '*=*' $word; or set how (__beamline_argument $word)\n"
	"\t\telse\n"
	"\t\t\techo $word\n"
	"\t\tend\n"
	"\tend\n"
	"end\n"
	"function __beamline_in\n"
	"\tset -l words (__beamline_words)\n"
	"\ttest (count $words) -gt 0; and contains -- $words[1] $argv\n"
	"end\n"
	"function __beamline_wants\n"
	"\tset -l words (__beamline_words)\n"
	"\ttest (count $words) -gt 0; and test \"$(__beamline_place $words[1] (count $words))\" = $argv[1]\n"
	"end\n"
	"function __beamline_hosts\n"
	"\tset -l program (commandline -opc)[1]\n"
	"\tset -l cur (commandline -ct)\n"
	"\tset -l user (string match -r -- '^[^@]+@' $cur)\n"
	"\tif string match -q -- '*:*' $cur\n"
	"\t\t$program hosts --names (string replace -r ':.*' ':' -- $cur) 2>/dev/null\n"
	"\telse if test $argv[1] = host\n"
	"\t\t$program hosts --names 2>/dev/null | string match -v -- '@*' | string replace -r '^' \"$user\"\n"
	"\telse\n"
	"\t\t$program hosts --names 2>/dev/null\n"
	"\tend\n"
	"end\n";

enum { KIND_MAX = 128, PLACES = 4 };

/* “host”, “pattern”, “file”, “words A B” of A|B, or nothing. */
static void kind_of(const char *argument, size_t len, char kind[KIND_MAX])
{
	const char *name = "";

	if (strncmp(argument, "HOST", 4) == 0 || strncmp(argument, "TARGET", 6) == 0)
		name = "host";
	else if (strncmp(argument, "PATTERN", 7) == 0)
		name = "pattern";
	else if (len == 4 && strncmp(argument, "FILE", 4) == 0)
		name = "file";
	snprintf(kind, KIND_MAX, "%s", name);
	if (!memchr(argument, '|', len))
		return;
	snprintf(kind, KIND_MAX, "words %.*s", (int)len, argument);
	for (char *bar = strchr(kind, '|'); bar; bar = strchr(bar, '|'))
		*bar = ' ';
}

/* What stands at a place of a command's arguments. *repeats: any number of them may. */
static void place_kind(const char *arguments, int place, bool *repeats, char kind[KIND_MAX])
{
	kind[0] = '\0';
	for (int i = 1; *arguments && i <= place; i++) {
		size_t len;
		arguments += strspn(arguments, " [");
		len = strcspn(arguments, " ]");
		*repeats = len > strlen("…") && memcmp(arguments + len - strlen("…"), "…", strlen("…")) == 0;
		kind_of(arguments, len, kind);
		arguments += len + strspn(arguments + len, " ]");
		if (*repeats)
			return;
		if (i < place && !*arguments)
			kind[0] = '\0';
	}
}

/* “file”, “words A B” or “any”, as what follows the option. */
static void put_how(const struct option *o)
{
	if (o->kind == OPTION_CHOICE) {
		printf("words ");
		for (const char *p = o->argument; *p; p++)
			putchar(*p == '|' ? ' ' : *p);
	} else {
		printf("%s", strcmp(o->argument, "FILE") == 0 ? "file" : "any");
	}
}

static void put_arguments(bool fish)
{
	printf(fish ? "function __beamline_argument\n\tswitch $argv[1]\n" : "_beamline_argument() {\n\tcase $1 in\n");
	for (size_t i = 0; i < command_option_count; i++) {
		const struct option *o = &command_option_table[i];
		if (!o->groups || !options_takes_argument(o))
			continue;
		printf(fish ? "\tcase --%s" : "\t--%s", o->name);
		if (o->letter)
			printf(fish ? " -%c" : "|-%c", o->letter);
		printf(fish ? "\n\t\techo '" : ") echo '");
		put_how(o);
		printf(fish ? "'\n" : "' ;;\n");
	}
	printf(fish ? "\tend\nend\n" : "\tesac\n}\n");
}

static void put_places(bool fish)
{
	char kind[KIND_MAX];

	printf(fish ? "function __beamline_place\n\tswitch $argv[1].$argv[2]\n"
		    : "_beamline_place() {\n\tcase $1.$2 in\n");
	for (size_t k = 0; command_table[k]; k++) {
		bool repeats = false;
		for (int place = 1; place <= PLACES && !repeats; place++) {
			place_kind(command_table[k]->arguments, place, &repeats, kind);
			if (!*kind)
				continue;
			printf(fish ? "\tcase '%s.%.0d%s'\n\t\techo '%s'\n" : "\t%s.%.0d%s) echo '%s' ;;\n",
			       command_table[k]->name, repeats ? 0 : place, repeats ? "*" : "", kind);
		}
	}
	printf(fish ? "\tend\nend\n" : "\tesac\n}\n");
}

static void put_names(void)
{
	printf("_beamline_commands() {\n\tprintf '%%s\\n'");
	for (size_t k = 0; command_table[k]; k++)
		printf(" %s", command_table[k]->name);
	printf("\n}\n_beamline_options() {\n\tcase $1 in\n");
	for (size_t k = 0; command_table[k]; k++) {
		printf("\t%s) printf '%%s\\n'", command_table[k]->name);
		for (size_t i = 0; i < command_option_count; i++) {
			if (command_option_table[i].groups & command_table[k]->groups)
				printf(" --%s", command_option_table[i].name);
		}
		printf(" ;;\n");
	}
	printf("\t*) printf '%%s\\n'");
	for (size_t i = 0; i < command_option_count; i++) {
		if (command_option_table[i].groups)
			printf(" --%s", command_option_table[i].name);
	}
	printf(" ;;\n\tesac\n}\n");
}

/* Text between the single quotes of fish. */
static void put_quoted(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('\'');
}

static void put_fish_option(const struct option *o)
{
	printf("complete -c beamline -n '__beamline_in");
	for (size_t k = 0; command_table[k]; k++) {
		if (o->groups & command_table[k]->groups)
			printf(" %s", command_table[k]->name);
	}
	printf("' -l %s", o->name);
	if (o->letter)
		printf(" -s %c", o->letter);
	if (o->kind == OPTION_CHOICE) {
		printf(" -x -a '");
		for (const char *p = o->argument; *p; p++)
			putchar(*p == '|' ? ' ' : *p);
		putchar('\'');
	} else if (options_takes_argument(o)) {
		printf(strcmp(o->argument, "FILE") == 0 ? " -r -F" : " -x");
	}
	printf(" -d ");
	put_quoted(o->help);
	putchar('\n');
}

static void put_fish_places(void)
{
	char kind[KIND_MAX];

	for (size_t k = 0; command_table[k]; k++) {
		bool repeats = false;
		for (int place = 1; place <= PLACES && !repeats; place++) {
			place_kind(command_table[k]->arguments, place, &repeats, kind);
			if (strncmp(kind, "words ", 6) == 0)
				printf("complete -c beamline -n '__beamline_wants \"%s\"' -a '%s'\n", kind, kind + 6);
		}
	}
	printf("complete -c beamline -n '__beamline_wants file' -F\n"
	       "complete -c beamline -n '__beamline_wants host' -a '(__beamline_hosts host)'\n"
	       "complete -c beamline -n '__beamline_wants pattern' -a '(__beamline_hosts pattern)'\n");
}

static void print_fish(void)
{
	put_arguments(true);
	put_places(true);
	printf("%scomplete -c beamline -f\n", fish_functions);
	for (size_t k = 0; command_table[k]; k++) {
		printf("complete -c beamline -n 'test (count (__beamline_words)) -eq 0' -a %s -d ",
		       command_table[k]->name);
		put_quoted(command_table[k]->summary);
		putchar('\n');
	}
	for (size_t i = 0; i < command_option_count; i++) {
		if (command_option_table[i].groups)
			put_fish_option(&command_option_table[i]);
	}
	put_fish_places();
}

bool completion_print(const char *shell)
{
	bool bash = strcmp(shell, "bash") == 0, zsh = strcmp(shell, "zsh") == 0;

	if (!bash && !zsh && strcmp(shell, "fish") != 0)
		return false;
	if (zsh)
		printf("#compdef beamline\n");
	printf("# Completion of beamline(1) for %s, made from its own tables by `beamline help completion %s`.\n",
	       shell, shell);
	if (bash || zsh) {
		put_arguments(false);
		put_places(false);
		put_names();
		printf("%s%s", hosts_function, bash ? bash_function : zsh_function);
	} else {
		print_fish();
	}
	return true;
}
