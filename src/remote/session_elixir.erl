%% SPDX-License-Identifier: GPL-3.0-or-later
%% Elixir: text is evaluated, values and exceptions are shown as IEx does it.
-module(session_elixir).
-export([parse/3, expressions/2, value/3, inspect/4, exception/6]).
-import(session_lib, [text/1]).

%% -> {ok, Quoted, what the guard found or none} | {Outcome, Detail}
parse(P, Text, Guard) ->
    case starts() andalso is_list(unicode:characters_to_list(Text)) of
        true ->
            Code = elixir(<<"Code">>),
            case Code:string_to_quoted(Text, [{file, <<"iex">>}]) of
                {ok, Quoted} ->
                    {ok, Quoted, case Guard of
                                     [] -> none;
                                     _ -> session_guard_elixir:danger(P, Guard, Quoted)
                                 end};
                {error, {Where, What, Token}} -> {2, syntax_error(Where, What, Token)}
            end;
        false ->
            case code:is_loaded(elixir) of
                false -> {6, <<>>};
                _ -> {2, {1, 1, <<"the text is not UTF-8">>}}
            end
    end.


elixir(Name) -> binary_to_atom(<<"Elixir.", Name/binary>>, utf8).

starts() ->
    case code:ensure_loaded(elixir) of
        {module, elixir} ->
            {module, _} = code:ensure_loaded(elixir(<<"Code">>)),
            case application:ensure_all_started(elixir) of
                {ok, _} -> true;
                _ -> false
            end;
        _ -> false
    end.

syntax_error(Line, What, Token) when is_integer(Line) -> {Line, 1, error_text(What, Token)};
syntax_error(Where, What, Token) ->
    {proplists:get_value(line, Where, 1), proplists:get_value(column, Where, 1), error_text(What, Token)}.

error_text({Head, Tail}, Token) -> text([Head, Token, Tail]);
error_text(What, Token) -> text([What, Token]).

%% The expressions that a text consists of.
expressions(_, {Name, _, [_ | _] = Es} = Quoted) when is_atom(Name) ->
    case atom_to_binary(Name, utf8) of
        <<"__block__">> -> Es;
        _ -> [Quoted]
    end;
expressions(_, Quoted) -> [Quoted].

%% State: none, or what the expression before has left: {variables, environment or none}.
%% -> {text of what the compiler said, value or exception, state}
value(_, Quoted, State) ->
    Code = elixir(<<"Code">>),
    Diagnostics = binary_to_atom(<<"with_diagnostics">>, utf8),
    case erlang:function_exported(Code, Diagnostics, 1) of
        true ->
            %% From 1.15 on; earlier it goes to the node's standard error.
            {{Result, State1}, Said} = Code:Diagnostics(fun() -> evaluated(Code, Quoted, State) end),
            {text([[diagnostic(D), $\n] || D <- Said]), Result, State1};
        false ->
            {Result, State1} = evaluated(Code, Quoted, State),
            {<<>>, Result, State1}
    end.

%% Aliases and imports are kept from 1.14 on.
evaluated(Code, Quoted, State) ->
    Options = [{file, <<"iex">>}, {line, 1}],
    WithEnv = binary_to_atom(<<"eval_quoted_with_env">>, utf8),
    ForEval = binary_to_atom(<<"env_for_eval">>, utf8),
    try
        case {State, erlang:function_exported(Code, WithEnv, 3)} of
            {none, false} ->
                {V, Bs} = Code:eval_quoted(Quoted, [], Options),
                {{value, V}, {Bs, none}};
            {{Before, none}, _} ->
                {V, Bs} = Code:eval_quoted(Quoted, Before, Options),
                {{value, V}, {Bs, none}};
            _ ->
                {Before, Env} = case State of none -> {[], Code:ForEval(Options)}; _ -> State end,
                {V, Bs, Env1} = Code:WithEnv(Quoted, Before, Env),
                {{value, V}, {Bs, Env1}}
        end
    catch
        Class:Reason:Stack -> {{Class, Reason, Stack}, State}
    end.

diagnostic(D) ->
    Where = case maps:get(position, D, 0) of
                {Line, Column} -> io_lib:format("~w:~w", [Line, Column]);
                Line -> io_lib:format("~w", [Line])
            end,
    io_lib:format("~ts: ~ts~n  iex:~ts", [atom_to_binary(maps:get(severity, D), utf8), maps:get(message, D), Where]).

inspect(_, V, Show, Columns) ->
    Configured = case application:get_env(iex, inspect) of
                     {ok, L} when is_list(L) -> lists:keydelete(binary_to_atom(<<"syntax_colors">>, utf8), 1, L);
                     _ -> []
                 end,
    Own = [{binary_to_atom(<<"pretty">>, utf8), true}, {width, Columns}],
    Options = case Show of
                  2 -> [{limit, infinity}, {binary_to_atom(<<"printable_limit">>, utf8), infinity} | Own];
                  _ -> Configured ++ Own
              end,
    Kernel = elixir(<<"Kernel">>),
    Kernel:inspect(V, Options).

%% -> {text as IEx shows it, {class, reason in short}}
exception(P, Class, Reason, Stack, Show, Columns) ->
    Exception = elixir(<<"Exception">>),
    {Blamed, Stack1} = Exception:blame(Class, Reason, Stack),
    Banner = case is_map(Blamed) andalso maps:get('__struct__', Blamed, none) =:= elixir(<<"FunctionClauseError">>) of
                 true -> [Exception:format_banner(Class, Reason, Stack1), clause_blame(P, Blamed, Show, Columns)];
                 false -> Exception:format_banner(Class, Blamed, Stack1)
             end,
    Text = string:trim(text([Banner, $\n, Exception:format_stacktrace(pruned(Stack1))]), trailing),
    Short = Exception:format_banner(Class, Blamed, Stack1),
    {Text, {atom_to_binary(Class, utf8), text(string:slice(string:replace(Short, "\n", " ", all), 0, 2000))}}.

%% Which clauses there are and what did not match, indented by four like IEx does.
clause_blame(P, Blamed, Show, Columns) ->
    M = elixir(<<"FunctionClauseError">>),
    Macro = elixir(<<"Macro">>),
    Blame = binary_to_atom(<<"blame">>, utf8),
    Match = fun(#{node := Node} = B) ->
                    Source = Macro:to_string(Node),
                    case [V || {K, V} <- maps:to_list(B), K =/= node] of
                        [true] -> Source;
                        _ -> <<"-", Source/binary, "-">>
                    end
            end,
    case erlang:function_exported(M, Blame, 3) of
        true ->
            Text = try
                       M:Blame(Blamed, fun(V) -> inspect(P, V, Show, Columns) end, Match)
                   catch
                       %% Up to 1.10 the fun is given what it would be without blame too.
                       error:{badarity, _} -> M:Blame(Blamed, fun(V) -> inspect(P, V, Show, Columns) end, fun(N, S) -> blame_old(Match, N, S) end)
                   end,
            [<<"    ">>, string:replace(Text, "\n", "\n    ", all)];
        false -> []
    end.

blame_old(Match, #{} = Node, _) -> Match(Node);
blame_old(_, _, String) -> String.

%% The frames of the evaluator are dropped from the end of the stack. From 1.14 on one frame stands for the text; before, the
%% compiler's own frames are dropped from everywhere.
pruned(Stack) ->
    Reversed = lists:reverse(Stack),
    File = binary_to_atom(<<"__FILE__">>, utf8),
    case lists:keymember(File, 2, Stack) of
        true ->
            lists:reverse(lists:dropwhile(fun(Frame) -> element(2, Frame) =/= File end, Reversed));
        false ->
            Ours = [erl_eval, eval_bits, elixir(<<"Code">>), elixir, elixir(<<"Module.ParallelChecker">>)],
            Kept = lists:dropwhile(fun(Frame) -> lists:member(element(1, Frame), Ours) end, Reversed),
            [Frame || Frame <- lists:reverse(Kept), not internal(element(1, Frame))]
    end.

internal(M) when is_atom(M) ->
    lists:member(atom_to_binary(M, utf8),
                 [<<"elixir">>, <<"elixir_expand">>, <<"elixir_compiler">>, <<"elixir_module">>, <<"elixir_clauses">>,
                  <<"elixir_lexical">>, <<"elixir_def">>, <<"elixir_map">>, <<"elixir_erl">>, <<"elixir_erl_clauses">>,
                  <<"elixir_erl_pass">>, <<"Elixir.Kernel.ErrorHandler">>, <<"Elixir.Module.ParallelChecker">>]);
internal(_) -> false.
