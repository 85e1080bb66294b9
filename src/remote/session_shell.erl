%% SPDX-License-Identifier: GPL-3.0-or-later
%% The functions that the shell itself has, for text that uses them. What needs its history is not there.
-module(session_shell).
-export([command/7]).
-import(session_lib, [text/1]).

command(_, _, _, _, f, [], _) -> {value, ok, erl_eval:new_bindings()};
command(_, _, _, _, f, [{var, _, Name}], Bs) -> {value, ok, erl_eval:del_binding(Name, Bs)};
command(P, _, Columns, Records, b, [], Bs) ->
    [io:put_chars([binding(P, Name, Value, Columns, Records), $\n]) || {Name, Value} <- erl_eval:bindings(Bs), is_atom(Name)],
    {value, ok, Bs};
command(P, _, _, Records, rd, [{atom, _, Name}, Definition], Bs) ->
    Text = lists:flatten(io_lib:format("-record(~ts,~ts).", [io_lib:write_atom_as_latin1(Name), erl_pp:expr(Definition)])),
    {ok, Tokens, _} = erl_scan:string(Text),
    case erl_parse:parse_form(Tokens) of
        {ok, Form} -> {value, hd(session_records:add(P, [Form], Bs, Records)), Bs};
        {error, {_, M, What}} -> exit(lists:flatten(M:format_error(What)))
    end;
command(_, _, _, Records, rf, [], Bs) ->
    ets:delete_all_objects(Records),
    {value, [], Bs};
command(_, _, _, Records, rl, [], Bs) ->
    show_records(ets:tab2list(Records)),
    {value, ok, Bs};
command(P, Local, Columns, Records, F, As, Bs) ->
    {Values, Bs1} = erl_eval:expr_list(As, Bs, Local),
    case {F, Values} of
        {rf, ['_']} -> {value, ets:delete_all_objects(Records) andalso ok, Bs1};
        {rf, [Names]} -> {value, hd([ok | [ets:delete(Records, Name) || Name <- lists:flatten([Names])]]), Bs1};
        {rl, [Names]} ->
            show_records(lists:append([ets:lookup(Records, Name) || Name <- lists:flatten([Names])])),
            {value, ok, Bs1};
        {rp, [Value]} ->
            io:requests([{put_chars, unicode, text(session_evaluator:pretty(P, Value, 1, -1, Columns, Records))}, nl]),
            {value, ok, Bs1};
        {rr, [From]} -> {value, session_records:add(P, session_records:read(P, From, '_'), Bs1, Records), Bs1};
        {rr, [From, Names]} -> {value, session_records:add(P, session_records:read(P, From, Names), Bs1, Records), Bs1};
        {rr, [From, Names, _]} when is_atom(From) -> {value, session_records:add(P, session_records:read(P, From, Names), Bs1, Records), Bs1};
        {rr, [From, Names, Options]} ->
            {value, session_records:add(P, session_records:read_files(P, From, Names, lists:flatten([Options])), Bs1, Records), Bs1};
        _ -> erlang:error({shell_undef, F, length(Values), []})
    end.

show_records(Found) ->
    [io:put_chars(erl_pp:attribute(R, [{encoding, unicode}])) || {Name, R} <- Found, is_atom(Name)].

binding(P, Name, Value, Columns, Records) ->
    A = erl_anno:new(0),
    case is_function(Value) andalso erl_eval:fun_data(Value) of
        {fun_data, _, Cs} -> erl_pp:expr({match, A, {var, A, Name}, {'fun', A, {clauses, Cs}}}, [{encoding, unicode}]);
        {named_fun_data, _, F, Cs} -> erl_pp:expr({match, A, {var, A, Name}, {named_fun, A, F, Cs}}, [{encoding, unicode}]);
        false ->
            Head = io_lib:format("~ts = ", [Name]),
            [Head, session_evaluator:pretty(P, Value, string:length(Head) + 1, 30, Columns, Records)]
    end.
