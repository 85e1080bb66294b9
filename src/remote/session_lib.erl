%% SPDX-License-Identifier: GPL-3.0-or-later
%% Small functions that several parts of the program import; generate.escript copies them into each.
-module(session_lib).
-export([end_all/2, strays/2, running/0, started/1, detach/2, finish/4, one_line/1, text/1]).

%% Kills Pids, and all that hangs on them by links and monitors and has R as group leader. They are suspended first, so that
%% none gets away by spawning while the others are looked for.
end_all(Pids, R) ->
    end_each(Pids ++ maps:keys(related(lists:append([connected(P) || P <- Pids]), R, #{}))).

related([P | Pids], R, Seen) when node(P) =:= node() ->
    case maps:is_key(P, Seen) orelse process_info(P, group_leader) of
        {group_leader, R} when P =/= R -> related(connected(P) ++ Pids, R, maps:put(P, 1, Seen));
        _ -> related(Pids, R, Seen)
    end;
related([_ | Pids], R, Seen) -> related(Pids, R, Seen);
related([], _, Seen) -> Seen.

connected(P) ->
    catch erlang:suspend_process(P, [asynchronous]),
    case process_info(P, [links, monitors]) of
        [{links, Links}, {monitors, Monitors}] ->
            [Pid || Pid <- Links, is_pid(Pid)] ++ [Pid || {process, Pid} <- Monitors, is_pid(Pid)];
        _ -> []
    end.

end_each([P | Pids]) ->
    M = monitor(process, P),
    exit(P, kill),
    receive {'DOWN', M, _, _, _} -> ok after 1000 -> ok end,
    end_each(Pids);
end_each([]) -> ok.

strays(_, none) -> [];
strays(R, Pids) -> [P || P <- Pids, P =/= R, process_info(P, group_leader) =:= {group_leader, R}].

%% Processes that run on: their output goes to the node's own `user` from now on. Only what started since Before is looked
%% at; on a large node nothing is.
detach(R, Before) ->
    case started(Before) of
        none -> -1;
        Pids ->
            Strays = strays(R, Pids),
            adopt(Strays, whereis(user)),
            %% One that was starting others meanwhile has passed R on to them.
            case Strays =:= [] orelse strays(R, started(Before)) of
                true -> 0;
                More ->
                    adopt(More, whereis(user)),
                    length(lists:usort(Strays ++ More))
            end
    end.

adopt([P | Pids], User) ->
    catch group_leader(User, P),
    adopt(Pids, User);
adopt([], _) -> ok.

running() ->
    case erlang:system_info(process_count) =< 20000 of
        true -> processes();
        false -> none
    end.

started(none) -> none;
started(Before) ->
    case running() of
        none -> none;
        Now -> (Now -- Before) -- [self()]
    end.

%% A watcher's end. The relay sends the last message, so that it comes after all that the relay has sent before, and puts how
%% much that was into it. Drop: 1 to forget output that waits for the window. Patience: what a relay that is to forget it has
%% then, in ms, or infinity.
finish(Watched, Last, Drop, Patience) ->
    element(4, Watched) ! {self(), Drop, Last},
    finish_wait(Watched, Last, Patience, case Drop of 1 -> Patience; 0 -> infinity end).

finish_wait({Client, Tag, Link, R, Relay} = Watched, Last, Patience, Now) ->
    receive
        {'DOWN', Relay, _, _, normal} -> ok;
        {'DOWN', Relay, _, _, _} -> Client ! Last;
        {'DOWN', Link, _, _, _} -> exit(R, kill);
        {'EXIT', Client, _} -> exit(R, kill);
        {Tag, 2} ->
            R ! {self(), 1, Last},
            finish_wait(Watched, Last, Patience, Patience);
        _ ->
            finish_wait(Watched, Last, Patience, Now)
    after Now ->
        exit(R, kill),
        finish_wait(Watched, Last, Patience, infinity)
    end.

one_line(Term) ->
    text(io_lib:format("~0tP", [Term, 30], [{chars_limit, 2000}])).

text(Chars) ->
    case unicode:characters_to_binary(Chars) of
        Bin when is_binary(Bin) -> Bin;
        {_, Good, _} -> Good
    end.
