%% SPDX-License-Identifier: GPL-3.0-or-later
%% The guard for Elixir: the same on quoted text.
-module(session_guard_elixir).
-export([danger/3, line_danger/4]).
-import(session_tree, [subterms/2, add_name/2]).

danger(P, Guard, Quoted) -> element(1, line_danger(P, Guard, Quoted, [])).

%% As session_guard has it.
line_danger(P, Guard, Quoted, Seen) ->
    Nodes = subterms(Quoted, []),
    Names = names(Quoted, Seen),
    Renamed = lists:keymember(alias, 1, Nodes) orelse lists:member(<<"as">>, Names),
    Imported = case lists:member(<<"import">>, Names) of true -> Names; false -> [] end,
    Calls = calls(Nodes ++ triples(Quoted, []), Renamed, []),
    {session_guard:first_danger(P, Calls, Names, Guard, [<<"Elixir.Kernel">> | Imported]),
     lists:usort([N || N <- Names, lists:keymember(N, 1, Guard) orelse lists:keymember(N, 2, Guard)])}.

%% Lists of three may be a module, a function and arguments for apply/2.
triples([M, F, A], Found) when is_list(A), is_atom(F), F =/= '.' -> triples(A, [{'{}', [], [M, F, A]} | Found]);
triples([E | Es], Found) -> triples(Es, triples(E, Found));
triples(T, Found) when is_tuple(T) -> triples(tuple_to_list(T), Found);
triples(_, Found) -> Found.

names({'__aliases__', _, Parts}, Names) when is_list(Parts) -> [alias_name(Parts) | Names];
names({'<>', _, [L, R]} = T, Names) when is_binary(L), is_binary(R) ->
    names(tuple_to_list(T), [<<L/binary, R/binary>>, <<"Elixir.", L/binary, R/binary>> | Names]);
names({'++', _, [L, R]} = T, Names) when is_list(L), is_list(R) ->
    names(tuple_to_list(T), add_name(L ++ R, Names));
names(T, Names) when is_tuple(T) -> names(tuple_to_list(T), Names);
names([E | Es] = L, Names) when is_integer(E) -> names(Es, add_name(L, Names));
names([E | Es], Names) -> names(Es, names(E, Names));
names(A, Names) when is_atom(A) -> [atom_to_binary(A, utf8) | Names];
names(B, Names) when is_binary(B) -> [B, <<"Elixir.", B/binary>> | Names];
names(_, Names) -> Names.

alias_name(Parts) ->
    case [P || P <- Parts, not is_atom(P)] of
        [] -> iolist_to_binary([<<"Elixir">> | [[$., atom_to_binary(P, utf8)] || P <- Parts, atom_to_binary(P, utf8) =/= <<"Elixir">>]]);
        _ -> <<>>
    end.

calls([{'|>', _, [L, {F, Meta, As}]} | Nodes], Renamed, Calls) when is_list(As) ->
    calls([{F, Meta, [L | As]} | Nodes], Renamed, Calls);
calls([{'&', _, [{'/', _, [{{'.', _, [M, F]}, _, _}, A]}]} | Nodes], Renamed, Calls) when is_atom(F), is_integer(A) ->
    calls(Nodes, Renamed, [{name(M, Renamed), atom_to_binary(F, utf8), A} | Calls]);
calls([{'&', _, [{'/', _, [{F, _, Context}, A]}]} | Nodes], Renamed, Calls)
  when is_atom(F), is_atom(Context), is_integer(A) ->
    calls(Nodes, Renamed, [{local, atom_to_binary(F, utf8), A} | Calls]);
calls([{{'.', _, [M, F]}, _, As} | Nodes], Renamed, Calls) when is_atom(F), is_list(As) ->
    Module = name(M, Renamed),
    Name = atom_to_binary(F, utf8),
    calls(Nodes, Renamed, special(Module, Name, As) ++ adjacent(As, Renamed, Name)
                                     ++ [{Module, Name, length(As)} | Calls]);
calls([{F, Meta, As} | Nodes], Renamed, Calls) when is_atom(F), is_list(Meta), is_list(As) ->
    Name = atom_to_binary(F, utf8),
    Special = case F of
                  '{}' -> [];
                  send -> [{send, process(hd(As ++ [none]))}];
                  exit when length(As) > 1 -> [{exit, process(hd(As))}];
                  _ -> []
              end,
    calls(Nodes, Renamed, Special ++ adjacent(As, Renamed, Name) ++ [{local, Name, length(As)} | Calls]);
calls([_ | Nodes], Renamed, Calls) -> calls(Nodes, Renamed, Calls);
calls([], _, Calls) -> Calls.

name(A, _) when is_atom(A) -> atom_to_binary(A, utf8);
name({'__aliases__', _, _}, true) -> any;
name({'__aliases__', _, Parts}, false) -> alias_name(Parts);
name(T, _) when is_tuple(T), element(1, T) =/= '{}', element(1, T) =/= '%{}', element(1, T) =/= fn -> any;
name(_, _) -> none.

arguments(L) when is_list(L) -> length(L);
arguments(T) when is_tuple(T) -> any;
arguments(_) -> none.

adjacent([M, F, A | Rest], Renamed, Caller) ->
    Arity = case Caller =:= <<"make_fun">> orelse Caller =:= <<"capture">> of
                true when is_integer(A) -> A;
                _ -> arguments(A)
            end,
    Found = case {name(M, Renamed), name(F, Renamed), Arity} of
                {none, _, _} -> [];
                {_, none, _} -> [];
                {_, _, none} -> [];
                Call -> [Call]
            end,
    Found ++ adjacent([F, A | Rest], Renamed, Caller);
adjacent(_, _, _) -> [].

special(<<"Elixir.Process">>, F, [Who | _]) when F =:= <<"exit">>; F =:= <<"send">> -> [{exit, process(Who)}];
special(<<"erlang">>, F, [Who | _]) when F =:= <<"exit">>; F =:= <<"send">> -> [{exit, process(Who)}];
special(<<"Elixir.Kernel">>, <<"send">>, [Who | _]) -> [{send, process(Who)}];
special(M, <<"stop">>, [App | _]) when M =:= <<"Elixir.Application">>; M =:= <<"application">> -> [{application, app(App)}];
special(_, F, [Who | _]) when F =:= <<"stop">>; F =:= <<"terminate">>; F =:= <<"terminate_child">> -> [{exit, process(Who)}];
special(_, _, _) -> [].

app(App) when is_atom(App) -> {atom, 1, App};
app(_) -> {var, 1, '_'}.

%% Who gets a signal, in the terms of session_guard.
process(A) when is_atom(A) -> {atom, 1, A};
process({self, _, _}) -> {call, 1, {atom, 1, self}, []};
process(T) when is_tuple(T) -> {block, 1, [{string, 1, unicode:characters_to_list(N)} || N <- names(T, [])]};
process(_) -> {integer, 1, 0}.
