%% SPDX-License-Identifier: GPL-3.0-or-later
%% The evaluator: evaluates a text, or calls a function, and shows the result as the node's own shell would.
-module(session_evaluator).
-export([start/4, pretty/6, user_default/2, parse/2, values/6, exception_text/6, syntax_error/2]).
-import(session_lib, [one_line/1, text/1]).

start(P, W, R, {Tag, Language, Input, Show, Columns, Guard}) ->
    group_leader(R, self()),
    {Outcome, Detail} =
        try
            evaluate(Language, Input, {P, W, R, Tag, Show, Columns, Guard})
        catch
            _:Reason -> {7, one_line(Reason)}
        end,
    %% The watcher reads our links before it ends us.
    process_flag(trap_exit, true),
    W ! {self(), 2, Outcome, Detail},
    erlang:hibernate(timer, sleep, [infinity]).

%% Read-only: nothing but Erlang's text can be looked at as it should.
evaluate(Language, Input, {_, _, _, _, _, _, 1}) when Language =/= erlang; element(1, Input) =:= 2 ->
    {8, {<<"what is no text of Erlang">>, 0}};
evaluate(erlang, {1, Text}, C) -> erlang_text(Text, C, last);
evaluate(erlang, {3, Text, Goes}, C) -> erlang_text(Text, C, Goes);
evaluate(Language, {2, M, F, A}, C) ->
    case ask(apply_danger(M, F, A, C), C) of
        true -> result(Language, try {value, apply(M, F, A)} catch Class:Reason:Stack -> {Class, Reason, Stack} end, none, C);
        What -> {3, What}
    end;
evaluate(elixir, Input, {P, _, _, _, _, _, Guard} = C) ->
    case session_elixir:parse(P, element(2, Input), Guard) of
        {ok, Quoted, What} ->
            case {ask(What, C), Input} of
                {true, {1, _}} -> elixir_each([Quoted], none, C, true, none);
                {true, {3, _, Goes}} -> elixir_each(session_elixir:expressions(P, Quoted), none, C, Goes, none);
                _ -> {3, What}
            end;
        Error -> Error
    end.

%% Each shows its value. Goes: whether a failure leaves the rest to be evaluated. State: what the ones before have left.
elixir_each([Quoted | Rest], State, C, Goes, Outcome) ->
    {Said, Result, State1} = session_elixir:value(element(1, C), Quoted, State),
    send(3, Said, C),
    next(result(elixir, Result, none, C), Rest, C, Goes, Outcome, fun(First) -> elixir_each(Rest, State1, C, Goes, First) end).

%% The first failure decides what the whole comes to.
next(Outcome, [], _, _, none, _) -> Outcome;
next(_, [], _, _, First, _) -> First;
next({0, _}, _, C, _, First, Go) ->
    send(2, <<"\n">>, C),
    Go(First);
next({Code, _} = Outcome, _, C, true, First, Go) when Code =:= 1; Code =:= 2 ->
    Code =:= 2 andalso send(3, text(io_lib:format("* ~w:~w: ~ts", tuple_to_list(element(2, Outcome)))), C),
    send(3, <<"\n">>, C),
    Go(case First of none -> Outcome; _ -> First end);
next(Outcome, _, _, _, none, _) -> Outcome;
next(_, _, _, _, First, _) -> First.

apply_danger(_, _, _, {_, _, _, _, _, _, []}) -> none;
apply_danger(M, F, A, {P, _, _, _, _, _, Guard}) ->
    session_guard:apply_danger(P, Guard, M, F, A).

%% -> true (go on), or what was refused
ask(none, _) -> true;
ask(What, C) ->
    element(2, C) ! {self(), 1, What},
    Tag = element(4, C),
    receive
        {Tag, 1, true} -> true;
        {Tag, 1, _} -> What
    end.

send(_, <<>>, _) -> ok;
send(Kind, Bytes, C) ->
    Tag = element(4, C),
    element(3, C) ! {Tag, Kind, Bytes, self()},
    receive {Tag, 3} -> ok end.

%% Shows a value or an exception in the way of the language; -> {Outcome, Detail}.
result(_, {value, _}, _, {_, _, _, _, 5, _, _}) -> {0, <<>>};
result(_, {value, V}, _, {_, _, _, _, 3, _, _} = C) ->
    send(2, term_to_binary(V), C),
    {0, <<>>};
result(_, {value, V}, _, {_, _, _, _, 4, _, _} = C) -> raw(V, C);
result(erlang, {value, V}, Records, {_, _, _, _, Show, Columns, _} = C) ->
    send(2, text(pretty(element(1, C), V, 1, depth(Show), Columns, Records)), C),
    {0, <<>>};
result(elixir, {value, V}, _, {P, _, _, _, Show, Columns, _} = C) ->
    send(2, session_elixir:inspect(P, V, Show, Columns), C),
    {0, <<>>};
result(erlang, {Class, Reason, Stack}, Records, {_, _, _, _, _, Columns, _} = C) ->
    send(3, exception_text(element(1, C), Class, Reason, Stack, Columns, Records), C),
    {1, {atom_to_binary(Class, utf8), one_line(Reason)}};
result(elixir, {Class, Reason, Stack}, _, {P, _, _, _, Show, Columns, _} = C) ->
    {Text, Detail} = session_elixir:exception(P, Class, Reason, Stack, Show, Columns),
    send(3, Text, C),
    {1, Detail}.

exception_text(P, Class, Reason, Stack, Columns, Records) ->
    Text = erl_error:format_exception(4, Class, Reason, Stack, fun(M, _, _) -> M =:= erl_eval end,
                                      fun(Term, I) -> pretty(P, Term, I, 30, Columns, Records) end, unicode),
    text([<<"** ">>, Text]).

raw(V, C) when is_binary(V) ->
    send(2, V, C),
    {0, <<>>};
raw(V, C) ->
    case catch erlang:iolist_to_iovec(V) of
        Parts when is_list(Parts) ->
            case iolist_size(Parts) =< 1000000 of
                true -> send(2, iolist_to_binary(Parts), C);
                false -> send_each(Parts, C)
            end,
            {0, <<>>};
        _ ->
            {5, one_line(V)}
    end.

send_each([Part | Parts], C) ->
    send(2, Part, C),
    send_each(Parts, C);
send_each([], _) -> ok.


depth(2) -> -1;
depth(_) -> 30.

%% Records: an ets table {Name, Attribute} as the shell's, or `none` (no record is known).
pretty(P, Term, Column, Depth, Columns, Records) ->
    Strings = application:get_env(stdlib, shell_strings, true) =/= false,
    Options = [{column, Column}, {line_length, Columns}, {depth, Depth}, {line_max_chars, 60}, {strings, Strings},
               {encoding, unicode}],
    Plain = text(io_lib_pretty:print(Term, [{record_print_fun, no_fun} | Options])),
    %% Only what has tuples with a tag can look otherwise, and only where a record is known: the fun below costs microseconds
    %% for each tuple, and looking for user_default half a millisecond.
    case Records =/= none andalso re:run(Plain, <<"\\{[^]0-9\"#<[{}$-]">>, [{capture, none}]) =:= match andalso
        user_default(P, Records) > 0 of
        true ->
            Fields = fun(Name, N) -> record_fields(ets:lookup(Records, Name), N) end,
            io_lib_pretty:print(Term, [{record_print_fun, Fields} | Options]);
        false ->
            Plain
    end.

record_fields([{_, {attribute, _, record, {_, Fields}}}], N) when length(Fields) =:= N -> [field_name(F) || F <- Fields];
record_fields(_, _) -> no.

field_name({typed_record_field, Field, _}) -> field_name(Field);
field_name(Field) -> element(3, element(3, Field)).

%% The shell loads user_default, and knows its records, from the start. Here that is done once a session, and only where it
%% can matter. The table holds {0} when it was done. -> the number of records known
user_default(P, Records) ->
    case ets:insert_new(Records, {0}) andalso code:ensure_loaded(user_default) of
        {module, _} -> catch session_records:add(P, session_records:read(P, user_default, '_'), [], Records);
        _ -> ok
    end,
    ets:info(Records, size) - 1.

%% How: last, the value of the last expression is shown; true or false, each sentence's, and whether a failure leaves the rest to be evaluated.
erlang_text(Text, {P, _, _, _, _, _, Guard} = C, How) ->
    case unicode:characters_to_list(Text) of
        Chars when is_list(Chars) ->
            case forms(Chars, {1, 1}, []) of
                {ok, []} -> {2, {1, 1, <<"there is no expression">>}};
                {ok, Forms} ->
                    case ask(text_danger(P, Guard, Forms), C) of
                        true ->
                            Records = ets:new(ets, [public, ordered_set]),
                            Named = binary:match(Text, [<<"#">>, <<"record">>]) =/= nomatch,
                            case handlers(C, Records, Forms) of
                                {8, What} -> {8, What};
                                {Local, Kept} when How =:= last -> erlang_each([lists:append(Forms)], [], {Local, Kept, Records, Named}, C, false, none);
                                {Local, Kept} -> erlang_each(Forms, [], {Local, Kept, Records, Named}, C, How, none)
                            end;
                        What -> {3, What}
                    end;
                Error -> syntax_error(P, Error)
            end;
        _ ->
            {2, {1, 1, <<"the text is not UTF-8">>}}
    end.

erlang_each([Form | Rest], Bs, {Local, Kept, Records, Named} = S, C, Goes, First) ->
    case values(element(1, C), Form, Bs, Local, Kept, Named andalso Records) of
        {value, V, Bs1} ->
            next(result(erlang, {value, V}, Records, C), Rest, C, Goes, First, fun(F) -> erlang_each(Rest, Bs1, S, C, Goes, F) end);
        {exception, Class, Reason, Stack} ->
            next(result(erlang, {Class, Reason, Stack}, Records, C), Rest, C, Goes, First, fun(F) -> erlang_each(Rest, Bs, S, C, Goes, F) end);
        Error ->
            next(Error, Rest, C, Goes, First, fun(F) -> erlang_each(Rest, Bs, S, C, Goes, F) end)
    end.

%% Several sequences of expressions, each ended by a dot; the last dot may be missing.
forms(Chars, Location, Forms) ->
    case erl_scan:tokens([], Chars, Location, [text]) of
        {done, {ok, Tokens, End}, Rest} -> forms(Rest, End, Forms, Tokens);
        {done, {error, Error, _}, _} -> {error, Error};
        {more, Continuation} ->
            case erl_scan:tokens(Continuation, eof, Location, [text]) of
                {done, {ok, Tokens, End}, _} -> forms([], End, Forms, Tokens);
                {done, {eof, _}, _} -> {ok, lists:reverse(Forms)};
                {done, {error, Error, _}, _} -> {error, Error}
            end
    end.

forms(Rest, End, Forms, [{dot, _}]) -> forms(Rest, End, Forms);
forms(Rest, End, Forms, Tokens) ->
    Ended = case element(1, lists:last(Tokens)) of
                dot -> Tokens;
                _ -> Tokens ++ [{dot, [{text, "."}, {location, End}]}]
            end,
    case parsed(Ended) of
        {ok, Form} -> forms(Rest, End, [Form | Forms]);
        Error -> Error
    end.

parsed(Tokens) ->
    %% Pids and the like as they are printed hold this sign; looking for them takes a time that grows with the square of the text.
    case lists:keymember('<', 1, Tokens) of
        true ->
            case erl_eval:extended_parse_exprs(Tokens) of
                {ok, Form, Values} ->
                    %% Up to 23: variables stand for pids and the like that the text contains as they are printed.
                    Substitute = binary_to_atom(<<"subst_values_for_vars">>, utf8),
                    {ok, erl_eval:Substitute(Form, Values)};
                Result -> Result
            end;
        false -> erl_parse:parse_exprs([setelement(2, T, erl_anno:location(element(2, T))) || T <- Tokens])
    end.

%% What the scanner made of a line -> {ok, expressions} | {2, Detail}
parse(P, Tokens) ->
    case parsed(Tokens) of
        {ok, Form} -> {ok, Form};
        Error -> syntax_error(P, Error)
    end.

syntax_error(_, {error, {{Line, Column}, M, What}}) -> {2, {Line, Column, text(M:format_error(What))}};
syntax_error(_, {error, {Line, M, What}}) when is_integer(Line) -> {2, {Line, 1, text(M:format_error(What))}};
syntax_error(_, {error, {_, M, What}}) -> {2, {1, 1, text(M:format_error(What))}}.

%% Evaluates one after the other. Records: those that the text may name, or false if it names none. Kept: what makes of an expression what is
%% evaluated, or `none`. -> {value, the last one's, bindings} | {exception, Class, Reason, Stack} | {2, Detail}
values(P, [E | Es], Bs, Local, Kept, Records) ->
    {Checked, Bs1, E1} =
        case Records of
            false -> {Bs, Bs, E};
            _ -> session_records:expand(P, E, Bs, Records)
        end,
    case erl_eval:check_command([prepared(E)], Checked) of
        ok ->
            case {value_of(case Kept of none -> E1; _ -> Kept(E1) end, Bs1, Local), Es} of
                {{value, _, Bs2}, [_ | _]} -> values(P, Es, Bs2, Local, Kept, Records);
                {Last, _} -> Last
            end;
        Error ->
            syntax_error(P, Error)
    end.

value_of(E, Bs, Local) ->
    try
        erl_eval:expr(E, Bs, Local)
    catch
        exit:normal -> {exception, exit, normal, []};
        Class:Reason:Stack -> {exception, Class, Reason, Stack}
    end.

%% f(X) must not be refused because X is unbound.
prepared({call, A, {atom, _, f}, [{var, _, _}]}) -> {atom, A, ok};
prepared(E) -> E.


text_danger(P, [_ | _] = Guard, Forms) -> session_guard:danger(P, Guard, Forms);
text_danger(_, _, _) -> none.

%% -> {handler of local calls, what makes of an expression what is evaluated, or `none`} | {8, Detail}, a refusal
handlers({P, W, _, _, _, Columns, 1}, Records, Forms) -> session_readonly:handlers(P, W, Columns, Records, Forms, make_ref());
handlers({P, _, _, _, _, Columns, _}, Records, _) -> {local_handler(P, Columns, Records), none}.

%% Funs of the operator's keep this one, and may be sent elsewhere: it holds the program as a binary only.
local_handler(P, Columns, Records) ->
    {eval, fun Self(F, As, Bs) ->
                   case lists:member(atom_to_list(F), ["b", "f", "rd", "rf", "rl", "rp", "rr"]) of
                       true -> session_shell:command(P, {eval, Self}, Columns, Records, F, As, Bs);
                       false ->
                           {Values, Bs1} = erl_eval:expr_list(As, Bs, {eval, Self}),
                           Arity = length(Values),
                           catch ets:insert_new(Records, {0}) andalso code:ensure_loaded(user_default),
                           case erlang:function_exported(user_default, F, Arity) of
                               true -> {eval, erlang:make_fun(user_default, F, Arity), Values, Bs1};
                               false ->
                                   code:ensure_loaded(shell_default),
                                   case erlang:function_exported(shell_default, F, Arity) of
                                       true -> {eval, erlang:make_fun(shell_default, F, Arity), Values, Bs1};
                                       false -> erlang:error({shell_undef, F, Arity, []})
                                   end
                           end
                   end
           end}.
