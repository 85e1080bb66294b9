%% SPDX-License-Identifier: GPL-3.0-or-later
%% What both guards need of a parsed text.
-module(session_tree).
-export([subterms/2, add_name/2]).

%% All tuples in a term, inner ones before those around them; the tails of a list in abstract form are `tail`, not `cons`. What is still to be seen is a list of its own: recursion as deep as a long list
%% would have the collector look at its whole stack again and again.
subterms(T, Nodes) -> walk([T], Nodes).

walk([{Line, Column} | Rest], Nodes) when is_integer(Line), is_integer(Column) -> walk(Rest, Nodes);
walk([{Cons, A, H, {cons, TA, TH, TT}} | Rest], Nodes) when Cons =:= cons; Cons =:= tail ->
    walk([H, {tail, TA, TH, TT} | Rest], [{Cons, A, H, {cons, TA, TH, TT}} | Nodes]);
walk([T | Rest], Nodes) when is_tuple(T) -> walk(tuple_to_list(T) ++ Rest, [T | Nodes]);
walk([[E | Es] | Rest], Nodes) -> walk([E, Es | Rest], Nodes);
walk([_ | Rest], Nodes) -> walk(Rest, Nodes);
walk([], Nodes) -> Nodes.

add_name(S, Names) ->
    case catch unicode:characters_to_binary(S) of
        Name when is_binary(Name) -> [Name | Names];
        _ -> Names
    end.
