%% SPDX-License-Identifier: GPL-3.0-or-later
%% Asks the node's own shells how a line may go on, and for documentation, in a process of its own: what evaluates meanwhile is not waited for.
-module(remsh_helper).
-export([start/5]).
-import(session_lib, [text/1]).

%% What: 1 to complete the text before the cursor, 2 to print the documentation of a function or module.
start(_, {_, Client, Tag, _, Shell, Language, Guard}, R, Id, {What, Text}) ->
    {Insert, Names} =
        case What of
            1 ->
                case catch expand(Language, lists:reverse(unicode:characters_to_list(Text)), case Guard of 1 -> none; _ -> Shell end) of
                    {_, More, Matches} -> {text(More), lists:append([names(M) || M <- Matches])};
                    _ -> {<<>>, []}
                end;
            2 ->
                group_leader(R, self()),
                catch document(Language, binary:split(Text, case Language of erlang -> <<":">>; _ -> <<".">> end, [global])),
                {<<>>, []};
            3 ->
                group_leader(R, self()),
                catch info(),
                {<<>>, []}
        end,
    Client ! {Tag, 6, Id, Insert, lists:sublist(lists:usort(Names), 400), length(Names)}.

expand(erlang, Reversed, Shell) ->
    {module, Expand} = code:ensure_loaded(edlin_expand),
    case erlang:function_exported(Expand, expand, 3) of
        true when Shell =:= none ->
            %% The evaluator of a read-only session tells nothing of itself.
            Expand:expand(Reversed, [], {binary_to_atom(<<"shell_state">>, utf8), [], [], []});
        true ->
            %% From 26 on; the shell answers during an evaluation too.
            State = binary_to_atom(<<"shell_state">>, utf8),
            Shell ! {State, self()},
            receive
                {State, Bs, Records, Functions} -> Expand:expand(Reversed, [], {State, Bs, ets:tab2list(Records), ets:tab2list(Functions)})
            after 2000 -> none
            end;
        false -> Expand:expand(Reversed)
    end;
expand(_, Reversed, Shell) ->
    {module, Autocomplete} = code:ensure_loaded(binary_to_atom(<<"Elixir.IEx.Autocomplete">>, utf8)),
    %% Up to 1.13 the second argument is something else.
    case catch Autocomplete:expand(Reversed, Shell) of
        {'EXIT', _} -> Autocomplete:expand(Reversed);
        Found -> Found
    end.

%% Names as they are to be shown; from 26 on they come in groups.
names(Group) when is_map(Group) -> lists:append([names(N) || N <- maps:get(binary_to_atom(<<"elems">>, utf8), Group, [])]);
names({Name, Arity}) when is_integer(Arity) -> [text([Name, $/, integer_to_list(Arity)])];
names({Name, _}) -> [text(Name)];
names(Name) -> [text(Name)].

document(erlang, [M]) -> c:h(binary_to_existing_atom(M, utf8));
document(erlang, [M, F | _]) -> c:h(binary_to_existing_atom(M, utf8), binary_to_existing_atom(F, utf8));
document(_, Parts) ->
    Introspection = binary_to_atom(<<"Elixir.IEx.Introspection">>, utf8),
    {Module, Function} = case lists:reverse(Parts) of
                             [<<C, _/binary>> = F | M] when M =/= [], C >= $a, C =< $z orelse C =:= $_ -> {lists:reverse(M), [binary_to_existing_atom(F, utf8)]};
                             _ -> {Parts, []}
                         end,
    Name = case Module of
               [<<":", M1/binary>>] -> M1;
               [M1] when Function =:= [] andalso binary_part(M1, 0, 1) >= <<"a">> -> <<"Elixir.Kernel">>;
               _ -> iolist_to_binary(lists:join($., [<<"Elixir">> | Module]))
           end,
    Existing = binary_to_existing_atom(Name, utf8),
    case Function of
        [] -> Introspection:h(Existing);
        [F1] -> Introspection:h({Existing, F1})
    end.

info() ->
    {Up, _} = erlang:statistics(wall_clock),
    Seconds = Up div 1000,
    Memory = fun(What) -> io_lib:format("~.1f MB", [erlang:memory(What) / 1000000]) end,
    %% Fresh nodes lack some of the names.
    Value = fun(Name) -> erlang:system_info(binary_to_atom(Name, utf8)) end,
    Used = fun(Count, Limit) -> io_lib:format("~w of ~w", [Value(Count), Value(Limit)]) end,
    Table = [{"node", io_lib:format("~ts, OTP ~s, erts ~s", [node(), Value(<<"otp_release">>), erlang:system_info(version)])},
             {"up", io_lib:format("~w d ~2..0w:~2..0w:~2..0w", [Seconds div 86400, Seconds rem 86400 div 3600, Seconds rem 3600 div 60, Seconds rem 60])},
             {"memory", [Memory(total), ": processes ", Memory(processes), ", binary ", Memory(binary), ", ets ", Memory(ets), ", code ", Memory(code), ", atoms ", Memory(atom)]},
             {"run queue", io_lib:format("~w on ~w schedulers", [erlang:statistics(run_queue), erlang:system_info(schedulers_online)])},
             {"processes", Used(<<"process_count">>, <<"process_limit">>)},
             {"ports", Used(<<"port_count">>, <<"port_limit">>)},
             {"atoms", Used(<<"atom_count">>, <<"atom_limit">>)},
             {"ets tables", integer_to_list(length(ets:all()))},
             {"connected", io_lib:format("~w visible, ~w hidden", [length(nodes()), length(nodes(hidden))])}],
    io:put_chars([io_lib:format("  ~-12s ~ts~n", [Name, Text]) || {Name, Text} <- Table]).
