%% SPDX-License-Identifier: GPL-3.0-or-later
%% Read-only evaluation: of a text only what session_harmless lists is called. Where module and function stand as they are, that is
%% decided before anything is evaluated, and the call then costs what it always costs. What only shows while it runs is looked at then:
%% the text is rewritten, so that a value which is going to be called, or a module and function that are computed, pass through our
%% handler of local calls, as apply/1 and apply/4 (which Erlang has not got):
%%
%%     F(X)                  apply(F)(X)               the value is one that may be called, or that is the end
%%     lists:map(F, L)       lists:map(apply(F), apply(L))
%%     M:F(X), apply(M, F, [X]), sys:get_state(X)      apply(M, F, [X], [])
%%
%% erl_eval's own handler of non-local calls would not do: it is not asked about functions that erl_eval made, of which another
%% evaluation may have left some in the node's data. Ours are known by a mark in the handler that they hold. They run in the
%% evaluator's own process, as nothing here starts another or hands them to one.
%%
%% A refusal is no exception: the evaluator reports it, and stays where it is until the watcher ends it.
-module(session_readonly).
-export([handlers/6]).
-import(session_lib, [one_line/1, text/1]).

%% -> {handler of local calls, fun(expression) -> what is evaluated in its place} | {8, {What, 0}}: nothing is to be evaluated
%% Own: a reference, the same for all lines whose funs may call each other.
handlers(P, W, Columns, Records, Forms, Own) ->
    T = session_harmless:table(P),
    try kept_each(T, lists:append(Forms)) of
        _ -> handlers_of({P, W, T}, Columns, Records, Own)
    catch
        throw:{8, What} -> {8, {What, 0}}
    end.

handlers_of({P, W, T}, Columns, Records, Own) ->
    %% user_default is not loaded for this: where it is not, the shell's functions and records are known without it.
    erlang:module_loaded(user_default) orelse ets:insert(Records, {0}),
    Local = fun Self(F, As, Bs, Mark) ->
                    Lf = {eval, Self, [Mark]},
                    case As of
                        [E] when F =:= apply ->
                            {value, V, Bs1} = erl_eval:expr(E, Bs, Lf),
                            case is_function(V) of
                                true -> {value, callable(W, T, Lf, V), Bs1};
                                false -> {value, V, Bs1}
                            end;
                        _ ->
                            local({P, W, T, Lf}, Columns, Records, F, As, Bs)
                    end
            end,
    Kept = fun(E) -> try kept(T, E) catch throw:{8, What} -> refuse(W, What) end end,
    {{eval, Local, [Own]}, Kept}.

refuse(W, What) ->
    %% As at the evaluator's end: the watcher reads our links before it ends us.
    process_flag(trap_exit, true),
    W ! {self(), 2, 8, {What, 1}},
    erlang:hibernate(timer, sleep, [infinity]).

%% --- While it runs ---------------------------------------------------------------------------------------------------

local({_, _, _, Lf} = S, _, _, apply, [M, F, As, _], Bs) ->
    {[M1, F1, As1], Bs1} = erl_eval:expr_list([M, F, As], Bs, Lf),
    go(S, M1, F1, As1, Bs1);
local({P, W, _, Lf} = S, Columns, Records, F, As, Bs) ->
    case atom_to_list(F) of
        "rr" when As =/= [] ->
            %% Of a module: it would read any file. What has been evaluated goes on as it is.
            {Values, Bs1} = erl_eval:expr_list(As, Bs, Lf),
            is_atom(hd(Values)) orelse refuse(W, <<"rr/1 of a file">>),
            Quoted = [erl_parse:abstract(V) || V <- Values],
            session_shell:command(P, Lf, Columns, Records, F, Quoted, Bs1);
        Name ->
            case is_command(Name) of
                true -> session_shell:command(P, Lf, Columns, Records, F, As, Bs);
                false ->
                    {Values, Bs1} = erl_eval:expr_list(As, Bs, Lf),
                    case erlang:function_exported(user_default, F, length(Values)) of
                        true -> refuse(W, name(user_default, F, length(Values)));
                        false -> go(S, shell_default, F, Values, Bs1)
                    end
            end
    end.

is_command(Name) -> lists:member(Name, ["b", "f", "rd", "rf", "rl", "rp", "rr"]).

%% What erl_eval is to do in place of M:F(As).
go({_, W, T, Lf} = S, M, F, As, Bs) when is_atom(M), is_atom(F), is_list(As) ->
    N = length(As),
    case class(T, M, F, N) of
        ok -> {eval, erlang:make_fun(M, F, N), As, Bs};
        $* -> {eval, erlang:make_fun(M, F, N), [argument(W, T, Lf, A) || A <- As], Bs};
        $? when M =:= erlang ->
            [M1, F1, As1] = As,
            go(S, M1, F1, As1, Bs);
        $? ->
            allowed(M, F, As) orelse refuse(W, text([name(M, F, N), " with these arguments"])),
            {eval, erlang:make_fun(M, F, N), As, Bs};
        none -> refuse(W, name(M, F, N))
    end;
%% Fails as it would without us.
go(_, M, F, As, Bs) -> {eval, erlang:make_fun(erlang, apply, 3), [M, F, As], Bs}.

argument(W, T, Lf, F) when is_function(F) -> callable(W, T, Lf, F);
argument(_, _, _, V) -> V.

%% A function that native code may call: one that this text has made; an external one that looks only; for another external one a
%% function that this text might have made.
callable(W, T, Lf, F) ->
    case {erlang:fun_info(F, module), erlang:fun_info(F, env), erlang:fun_info(F, type)} of
        {{module, erl_eval}, {env, [Env]}, _} when is_tuple(Env) ->
            %% By the mark: the handler itself need not compare equal to itself (23).
            {_, _, Mark} = Lf,
            case lists:keyfind(eval, 1, tuple_to_list(Env)) of
                {_, _, Mark} -> F;
                _ -> refuse(W, foreign(F))
            end;
        {{module, M}, _, {type, external}} ->
            {name, Name} = erlang:fun_info(F, name),
            {arity, N} = erlang:fun_info(F, arity),
            case class(T, M, Name, N) of
                ok -> F;
                none -> refuse(W, name(M, Name, N));
                _ -> stand_in(Lf, M, Name, N)
            end;
        _ -> refuse(W, foreign(F))
    end.

foreign(F) -> text([one_line(F), ", which this text has not made,"]).

stand_in(Lf, M, F, N) ->
    Vars = [{var, 1, V} || V <- lists:sublist([ok, value, error, false, true, name, node, pid, port, list], N)],
    Call = {call, 1, {atom, 1, apply}, [{atom, 1, M}, {atom, 1, F}, consed(1, Vars), {nil, 1}]},
    erl_eval:expr({'fun', 1, {clauses, [{clause, 1, Vars, [], [Call]}]}}, [], Lf, none, value).

%% -> ok, the sign behind it in session_harmless, or `none` if it is not there
class(_, _, module_info, N) when N < 2 -> $?;
class(_, erlang, '*', 2) -> ok;
class(T, M, F, N) ->
    case lists:keyfind(atom_to_list(M), 1, T) of
        {_, Functions} ->
            Any = <<" ", (atom_to_binary(F, utf8))/binary>>,
            This = <<Any/binary, "/", (integer_to_binary(N))/binary>>,
            Row = list_to_binary([$ , Functions, $ ]),
            Forms = [<<Name/binary, Sign/binary>> || Name <- [Any, This], Sign <- [<<" ">>, <<"* ">>, <<"? ">>]],
            case binary:match(Row, Forms) of
                {At, Length} ->
                    %% The last but one character is the sign, or the name's last letter.
                    case binary:at(Row, At + Length - 2) of
                        Sign when Sign =:= $*; Sign =:= $? -> Sign;
                        _ -> ok
                    end;
                nomatch -> none
            end;
        false -> none
    end.

name(M, F, N) -> text(io_lib:format("~tw:~tw/~w", [M, F, N])).

allowed(M, module_info, _) -> erlang:module_loaded(M);
allowed(inet, _, [Socket | _]) -> is_port(Socket);
allowed(sys, _, [Who | _]) ->
    case initial_call(Who) of
        {_, {_, init, 1}} -> true;
        {_, {supervisor, _, _}} -> true;
        {_, {gen_event, _, _}} -> true;
        Call -> Call =:= none
    end;
allowed(supervisor, _, [Who | _]) ->
    case initial_call(Who) of
        {_, {supervisor, _, _}} -> true;
        Call -> Call =:= none
    end;
allowed(_, _, [M]) -> is_atom(M) andalso erlang:module_loaded(M).

%% As proc_lib notes it in the process. -> false where proc_lib has not started it or it is none of this node's; none if it is not there
initial_call(Name) when is_atom(Name) ->
    case whereis(Name) of
        undefined -> none;
        Pid -> initial_call(Pid)
    end;
initial_call(Pid) when is_pid(Pid), node(Pid) =:= node() ->
    case process_info(Pid, dictionary) of
        {dictionary, Dictionary} -> lists:keyfind('$initial_call', 1, Dictionary);
        undefined -> none
    end;
initial_call(_) -> false.

%% --- The text --------------------------------------------------------------------------------------------------------

kept_each(T, Es) -> [kept(T, E) || E <- Es].

%% What is evaluated in place of E; throws {8, What}.
kept(_, {Kind, _, _} = E) when Kind =:= atom; Kind =:= var; Kind =:= integer; Kind =:= string; Kind =:= char; Kind =:= float; Kind =:= value -> E;
kept(_, {nil, _} = E) -> E;
kept(T, {call, A, F, As}) -> call(T, A, F, As);
kept(T, {cons, _, _, _} = E) ->
    case is_constant(E) of
        true -> E;
        false -> chain(T, E, [])
    end;
kept(T, {Kind, A, Es} = E) when Kind =:= tuple; Kind =:= map ->
    case is_constant(E) of
        true -> E;
        false -> {Kind, A, kept_each(T, Es)}
    end;
kept(T, {bin_element, A, E, Size, Types}) -> {bin_element, A, kept(T, E), part(T, Size), Types};
kept(T, {clauses, Cs}) -> {clauses, kept_each(T, Cs)};
kept(T, {function, M, F, N}) -> {function, part(T, M), part(T, F), part(T, N)};
kept(_, {function, _, _} = E) -> E;
kept(_, {op, _, '!', _, _}) -> throw({8, <<"erlang:'!'/2">>});
%% Of the evaluator's own messages none may be taken; without a clause it only waits.
kept(T, {'receive', A, [], Time, Es}) -> {'receive', A, [], kept(T, Time), kept_each(T, Es)};
kept(_, E) when element(1, E) =:= 'receive' -> throw({8, <<"receive">>});
%% A record's name with its module.
kept(_, {M, Name} = E) when is_atom(M), is_atom(Name) -> E;
kept(T, E) ->
    [Kind, A | Parts] = tuple_to_list(E),
    %% What is new in the language is refused until it is known here. A string, as not every release has these atoms.
    Known = " block bc bin b_generate b_generate_strict case catch clause cons else fun generate generate_strict if lc map map_field_assoc "
            "map_field_exact match maybe maybe_match mc m_generate m_generate_strict named_fun op record record_field record_index "
            "remote try zip ",
    string:find(Known, [$ , atom_to_list(Kind), $ ]) =/= nomatch orelse throw({8, text(io_lib:format("the construct `~tw`", [Kind]))}),
    list_to_tuple([Kind, A | [part(T, E1) || E1 <- Parts]]).

part(T, E) when is_tuple(E) -> kept(T, E);
part(T, Es) when is_list(Es) -> [part(T, E) || E <- Es];
part(_, E) -> E.

%% Natively, so that a long list of plain terms costs next to nothing.
is_constant(E) ->
    case catch {erl_parse:normalise(E)} of
        {_} -> true;
        _ -> false
    end.

chain(T, {cons, A, H, Rest}, Done) -> chain(T, Rest, [{A, kept(T, H)} | Done]);
chain(T, Tail, Done) -> lists:foldl(fun({A, H}, Rest) -> {cons, A, H, Rest} end, kept(T, Tail), Done).

consed(A, Es) -> lists:foldr(fun(E, Rest) -> {cons, A, E, Rest} end, {nil, A}, Es).

call(T, A, {remote, B, {atom, _, M} = Module, {atom, _, F} = Function}, As) when is_atom(M), is_atom(F) ->
    known(T, M, F, {A, {remote, B, Module, Function}, Module, Function, As});
call(T, A, {remote, _, M, F}, As) -> checked(T, A, kept(T, M), kept(T, F), As);
call(T, A, {atom, B, F}, As) ->
    N = length(As),
    Name = atom_to_list(F),
    case erl_internal:bif(F, N) of
        true -> known(T, erlang, F, {A, {atom, B, F}, {atom, B, erlang}, {atom, B, F}, As});
        %% What the shell takes as it is written, and does not evaluate.
        false when Name =:= "f", N =:= 1, element(1, hd(As)) =:= var; Name =:= "rd", N =:= 2, element(1, hd(As)) =:= atom ->
            {call, A, {atom, B, F}, As};
        false ->
            is_command(Name) orelse class(T, shell_default, F, N) =/= none orelse throw({8, text(io_lib:format("~tw/~w", [F, N]))}),
            {call, A, {atom, B, F}, kept_each(T, As)}
    end;
call(T, A, {Kind, B, Rest}, As) when Kind =:= 'fun', element(1, Rest) =:= clauses -> {call, A, kept(T, {Kind, B, Rest}), kept_each(T, As)};
call(T, A, {named_fun, B, Name, Cs}, As) -> {call, A, kept(T, {named_fun, B, Name, Cs}), kept_each(T, As)};
call(T, A, F, As) -> {call, A, looked_at(A, kept(T, F)), kept_each(T, As)}.

known(T, M, F, {A, Called, Module, Function, As}) ->
    case class(T, M, F, length(As)) of
        ok -> {call, A, Called, kept_each(T, As)};
        $* -> {call, A, Called, [given(T, A, E) || E <- As]};
        $? -> checked(T, A, Module, Function, As);
        none -> throw({8, name(M, F, length(As))})
    end.

checked(T, A, M, F, As) -> {call, A, {atom, A, apply}, [M, F, consed(A, kept_each(T, As)), {nil, A}]}.

looked_at(A, E) -> {call, A, {atom, A, apply}, [E]}.

%% What is plainly no function, or plainly a harmless one, need not be looked at again.
given(T, A, {'fun', _, {function, {atom, _, M}, {atom, _, F}, {integer, _, N}}} = E) ->
    case class(T, M, F, N) of
        ok -> E;
        none -> throw({8, name(M, F, N)});
        _ -> looked_at(A, E)
    end;
given(T, A, E) ->
    case lists:member(element(1, E), [named_fun, atom, integer, string, nil, cons, tuple, map, bin, lc]) orelse
        element(1, E) =:= 'fun' andalso element(1, element(3, E)) =:= clauses of
        true -> kept(T, E);
        false -> looked_at(A, kept(T, E))
    end.
