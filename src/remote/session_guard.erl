%% SPDX-License-Identifier: GPL-3.0-or-later
%% The guard: finds, in parsed text, what Guard names, [{Module, Function, Arity or -1}] with names as binaries. Where module
%% and function stand as they are, that is exact. Where one is computed, it may be any atom or string that the text
%% contains: `M = init, M:stop()` is found, `X:stop()` alone is not.
-module(session_guard).
-export([danger/3, line_danger/4, apply_danger/5, first_danger/5]).
-import(session_tree, [subterms/2, add_name/2]).

danger(P, Guard, Forms) -> element(1, line_danger(P, Guard, Forms, [])).

%% A line of several: Seen are the names that those before it have brought, which variables may hold now. -> {what was found, Seen}
line_danger(_, Guard, Forms, Seen) ->
    Nodes = subterms(Forms, []),
    Names = names(Nodes, Seen),
    {first_danger([], erlang_calls(Nodes, []), Names, Guard, [<<"erlang">>, <<"c">>, <<"shell_default">>]), guarded_names(Names, Guard)}.

%% Of all names those that matter.
guarded_names(Names, Guard) ->
    lists:usort([N || N <- Names, lists:keymember(N, 1, Guard) orelse lists:keymember(N, 2, Guard) orelse system_name(N) =/= none]).

apply_danger(P, Guard, M, F, A) ->
    danger(P, Guard, [{call, 1, {remote, 1, {atom, 1, M}, {atom, 1, F}}, [abstract(X) || X <- A]}]).

%% A function has an abstract form only as an external one.
abstract(F) when is_function(F) ->
    case {erlang:fun_info(F, type), erlang:fun_info(F, module), erlang:fun_info(F, name), erlang:fun_info(F, arity)} of
        {{type, external}, {module, M}, {name, N}, {arity, A}} ->
            {'fun', 1, {function, {atom, 1, M}, {atom, 1, N}, {integer, 1, A}}};
        _ -> {nil, 1}
    end;
abstract(T) when is_tuple(T) -> {tuple, 1, [abstract(E) || E <- tuple_to_list(T)]};
abstract([H | T]) -> {cons, 1, abstract(H), abstract(T)};
abstract(T) ->
    case catch erl_parse:abstract(T) of
        {'EXIT', _} -> {nil, 1};
        Form -> Form
    end.

%% Every atom and string as a binary: what a computed module or function can be.
names([{atom, _, A} | Nodes], Names) when is_atom(A) -> names(Nodes, [atom_to_binary(A, utf8) | Names]);
names([{string, _, S} | Nodes], Names) when is_list(S) -> names(Nodes, add_name(S, Names));
names([{op, _, '++', _, _} = E | Nodes], Names) -> names(Nodes, add_name(constant(E), Names));
names([{cons, _, _, _} = E | Nodes], Names) -> names(Nodes, add_name(constant(E), Names));
names([{bin, _, Elements} | Nodes], Names) when is_list(Elements) ->
    names(Nodes, add_name(lists:append([constant(element(3, E)) || E <- Elements, is_tuple(E), element(1, E) =:= bin_element]), Names));
names([_ | Nodes], Names) -> names(Nodes, Names);
names([], Names) -> Names.

%% The string that an expression plainly is, or nothing. What is longer than 60, or holds what is no letter, is no name that is guarded: it is
%% not looked at further, so that a long list costs no more than its length.
constant(E) -> lists:reverse(constant(E, [], 60)).

constant(_, Chars, Left) when Left =< 0 -> Chars;
constant({string, _, S}, Chars, Left) -> lists:reverse(lists:sublist(S, Left), Chars);
constant({op, _, '++', L, R}, Chars, Left) ->
    Chars1 = constant(L, Chars, Left),
    constant(R, Chars1, Left - (length(Chars1) - length(Chars)));
constant({cons, _, {Kind, _, Char}, T}, Chars, Left) when Kind =:= integer, Char > 31; Kind =:= char -> constant(T, [Char | Chars], Left - 1);
constant({cons, _, {string, _, S}, T}, Chars, Left) -> constant(T, lists:reverse(lists:sublist(S, Left), Chars), Left - length(S));
constant({cons, _, {atom, _, A}, T}, Chars, Left) ->
    Name = atom_to_list(A),
    constant(T, lists:reverse(Name, Chars), Left - length(Name));
constant({integer, _, Char}, Chars, _) -> [Char | Chars];
constant(_, Chars, _) -> Chars.

%% What the text calls or names to be called: {Module, Function, Arity}, where Module is a name, `any` or `local`, Function a
%% name or `any`, and Arity a number or `any`; {exit, Who}, {send, Who}, {application, Name}.
erlang_calls([{call, _, {remote, _, M, F}, As} | Nodes], Calls) ->
    Special = special(name(M), name(F), As),
    erlang_calls(Nodes, Special ++ adjacent(As, name(F)) ++ [{name(M), name(F), length(As)} | Calls]);
erlang_calls([{call, _, {atom, _, F}, As} | Nodes], Calls) ->
    Name = atom_to_binary(F, utf8),
    erlang_calls(Nodes, special(<<"erlang">>, Name, As) ++ adjacent(As, Name) ++ [{local, Name, length(As)} | Calls]);
erlang_calls([{call, _, F, As} | Nodes], Calls) when is_tuple(F) ->
    erlang_calls(Nodes, adjacent(As, any) ++ [{any, any, length(As)} || element(1, F) =:= tuple] ++ Calls);
erlang_calls([{'fun', _, {function, M, F, A}} | Nodes], Calls) when is_tuple(M) ->
    erlang_calls(Nodes, [{name(M), name(F), arity(A)} | Calls]);
erlang_calls([{'fun', _, {function, F, A}} | Nodes], Calls) ->
    erlang_calls(Nodes, [{local, atom_to_binary(F, utf8), A} | Calls]);
erlang_calls([{tuple, _, [_, _, _] = Es} | Nodes], Calls) -> erlang_calls(Nodes, literal(Es) ++ Calls);
erlang_calls([{Cons, _, M, {cons, _, F, {cons, _, A, {nil, _}}}} | Nodes], Calls) when Cons =:= cons; Cons =:= tail ->
    erlang_calls(Nodes, literal([M, F, A]) ++ Calls);
erlang_calls([{op, _, '!', To, _} | Nodes], Calls) -> erlang_calls(Nodes, [{send, To} | Calls]);
erlang_calls([_ | Nodes], Calls) -> erlang_calls(Nodes, Calls);
erlang_calls([], Calls) -> Calls.

%% -> the name of a constant, `any` for what is computed, `none` for what cannot be a module or a function
name({atom, _, A}) when is_atom(A) -> atom_to_binary(A, utf8);
name({Kind, _, _}) when Kind =:= integer; Kind =:= float; Kind =:= char; Kind =:= string; Kind =:= bin; Kind =:= tuple;
                        Kind =:= lc; Kind =:= map; Kind =:= 'fun' -> none;
name({nil, _}) -> none;
name({cons, _, _, _}) -> none;
name({op, _, _, _, _}) -> none;
name(_) -> any.

arity({integer, _, A}) -> A;
arity(_) -> any.

%% Number of elements of an argument list; `none` if it cannot be one.
arguments({nil, _}) -> 0;
arguments({cons, _, _, T}) ->
    case arguments(T) of
        N when is_integer(N) -> N + 1;
        Other -> Other
    end;
arguments({string, _, S}) -> length(S);
arguments({Kind, _, _}) when Kind =:= integer; Kind =:= atom; Kind =:= float; Kind =:= char; Kind =:= bin; Kind =:= tuple;
                             Kind =:= map; Kind =:= 'fun' -> none;
arguments(_) -> any.

%% Module, function and arguments handed over one after the other, as apply/3, spawn/3, rpc:call/4 and many others take them.
adjacent([M, F, A | Rest], Caller) ->
    Arity = case {Caller, A} of
                {<<"make_fun">>, {integer, _, N}} -> N;
                _ -> arguments(A)
            end,
    Found = case {name(M), name(F), Arity} of
                {none, _, _} -> [];
                {_, none, _} -> [];
                {_, _, none} -> [];
                Call -> [Call]
            end,
    Found ++ adjacent([F, A | Rest], Caller);
adjacent([M, F], Caller) when Caller =:= <<"apply_after">>; Caller =:= <<"apply_interval">>; Caller =:= <<"call">> ->
    [{name(M), name(F), any} || name(M) =/= none, name(F) =/= none, Caller =/= <<"call">>];
adjacent(_, _) -> [].

literal([{atom, _, M}, {atom, _, F}, A]) when is_atom(M), is_atom(F) ->
    [{atom_to_binary(M, utf8), atom_to_binary(F, utf8), Arity} || Arity <- [arguments(A)], Arity =/= none];
literal(_) -> [].

special(<<"erlang">>, F, [Who | _]) when F =:= <<"exit">>; F =:= <<"send">>; F =:= <<"send_nosuspend">> ->
    [{exit, Who}];
special(M, F, [Who | _]) when F =:= <<"terminate">>, M =:= <<"sys">>; F =:= <<"stop">>, M =/= <<"application">>;
                              F =:= <<"terminate_child">>; F =:= <<"delete_child">>; F =:= <<"replace_state">> ->
    [{exit, Who}];
special(<<"application">>, <<"stop">>, [App | _]) -> [{application, App}];
special(_, _, _) -> [].

%% Locals: modules whose functions can be called without their name.
first_danger(P, [Call | Calls], Names, Guard, Locals) ->
    case call_danger(Call, Names, Guard, Locals) of
        none -> first_danger(P, Calls, Names, Guard, Locals);
        What -> What
    end;
first_danger(_, [], _, _, _) -> none.

call_danger({exit, Who}, Names, _, _) ->
    case system_process(Who, Names) of
        none -> none;
        Name -> <<"exit of ", Name/binary>>
    end;
call_danger({send, Who}, Names, _, _) ->
    case system_process(Who, Names) of
        <<"init">> -> <<"message to init">>;
        _ -> none
    end;
call_danger({application, App}, Names, _, _) ->
    Candidates = case name(App) of any -> Names; Name -> [Name] end,
    case [N || N <- [<<"kernel">>, <<"stdlib">>], lists:member(N, Candidates)] of
        [Found | _] -> <<"application:stop(", Found/binary, ")">>;
        [] -> none
    end;
call_danger({none, _, _}, _, _, _) -> none;
call_danger({_, none, _}, _, _, _) -> none;
call_danger({M, F, A}, Names, Guard, Locals) ->
    case [G || {GM, GF, GA} = G <- Guard,
               (F =:= GF) orelse (F =:= any andalso lists:member(GF, Names)),
               GA =:= -1 orelse A =:= any orelse A =:= GA,
               (M =:= GM) orelse (M =:= any andalso lists:member(GM, Names)) orelse
                   (M =:= local andalso lists:member(GM, Locals))] of
        [{Module, Function, Arity} | _] -> danger_text(Module, Function, case A of any -> Arity; _ -> A end);
        [] -> none
    end.

danger_text(M, F, Arity) ->
    Text = case M of
               <<"Elixir.", Short/binary>> -> <<Short/binary, ".", F/binary>>;
               _ -> <<M/binary, ":", F/binary>>
           end,
    case Arity of
        N when is_integer(N), N >= 0 -> <<Text/binary, "/", (integer_to_binary(N))/binary>>;
        _ -> Text
    end.

%% The processes without which a node stops. Who: an expression; a name as it is, whereis of it, or a pid that has it. What is
%% computed counts as each name that the text looks up by whereis.
system_process({atom, _, Name}, _) -> system_name(atom_to_binary(Name, utf8));
system_process({call, _, {atom, _, pid}, [{integer, _, 0}, {integer, _, N}, {integer, _, 0}]}, _) ->
    pid_name("<0." ++ integer_to_list(N) ++ ".0>");
system_process({call, _, {atom, _, list_to_pid}, [{string, _, S}]}, _) -> pid_name(S);
system_process({call, _, {remote, _, _, {atom, _, list_to_pid}}, [{string, _, S}]}, _) -> pid_name(S);
system_process({call, _, {atom, _, self}, []}, _) -> none;
system_process(Who, Names) ->
    Own = [N || N <- names(subterms(Who, []), []), system_name(N) =/= none],
    Plain = lists:member(element(1, Who), [integer, string, bin, char, float, tuple]) orelse
        not lists:member(<<"whereis">>, Names),
    case [N || N <- Own ++ Names, Own =/= [] orelse not Plain, system_name(N) =/= none] of
        [Name | _] -> Name;
        [] -> none
    end.

system_name(Name) ->
    case lists:member(Name, [<<"init">>, <<"kernel_sup">>, <<"application_controller">>, <<"erl_prim_loader">>,
                             <<"code_server">>, <<"error_logger">>, <<"logger">>, <<"rex">>, <<"kernel_safe_sup">>,
                             <<"user">>, <<"kernel">>, <<"file_server_2">>, <<"erts_code_purger">>]) of
        true -> Name;
        false -> none
    end.

pid_name(S) ->
    case catch process_info(list_to_pid(S), registered_name) of
        {registered_name, Name} -> system_name(atom_to_binary(Name, utf8));
        _ -> none
    end.
