%% SPDX-License-Identifier: GPL-3.0-or-later
%% What an interactive shell does on the node; data like session.erl, whose rules hold here too. The messages are documented in remsh.h.
%% Three processes, and who is started by them:
%%
%%   the watcher (main/2), spawned by the caller, which watches the caller and ends everything;
%%   the relay (remsh_relay), I/O server of the shell: lines of the caller's in, its output out, under a window of bytes;
%%   the node's own shell, whose group leader the relay is.
-module(remsh).
-export([main/2]).
-import(session_lib, [end_all/2, strays/2, running/0, started/1, detach/2, one_line/1, finish/4]).

main(P, {Client, Tag, Language, Columns, Rows, Window, Guard}) ->
    process_flag(trap_exit, true),
    Link = monitor(process, Client),
    W = self(),
    Before = running(),
    {R, Relay} = spawn_opt(fun() -> remsh_relay:start(P, W, {Client, Tag, Language, Columns, Rows, Window, Guard}) end,
                           [monitor, {min_heap_size, 30000}]),
    watch({Client, Tag, Link, R, Relay, [], Before}).

%% Shell: the process that is the shell, and the one in which it reads.
watch({Client, Tag, Link, R, Relay, Shell, Before} = S) ->
    receive
        {R, 1, Started} ->
            watch({Client, Tag, Link, R, Relay, Started, Before});
        {R, 2, Outcome, Detail} ->
            end_all(Shell, R),
            finish({Client, Tag, Link, R, Relay}, {Tag, 5, Outcome, Detail, -1, detach(R, Before)}, 0, patience());
        {Tag, 2} ->
            end_all(Shell, R),
            finish({Client, Tag, Link, R, Relay}, {Tag, 5, 4, <<>>, -1, detach(R, Before)}, 1, patience());
        {'DOWN', Link, _, _, _} -> abandon(S);
        {'EXIT', Client, _} -> abandon(S);
        {'DOWN', Relay, _, _, Reason} ->
            end_all(Shell ++ strays(R, started(Before)), R),
            Client ! {Tag, 5, 7, one_line({R, Reason}), -1, 0};
        _ ->
            watch(S)
    end.

abandon({_, _, _, R, _, Shell, Before}) ->
    end_all(Shell, R),
    detach(R, Before),
    exit(R, kill).

%% With nothing to wait for the relay answers at once, unless it runs code of somebody's that does not end (a function for reading or writing).
patience() -> 2000.
