%% SPDX-License-Identifier: GPL-3.0-or-later
%% What both guards need of a parsed text.
-module(session_tree).
-export([subterms/2, add_name/2]).

%% All tuples in a term, outer ones first.
subterms(T, Nodes) when is_tuple(T) -> lists:foldl(fun subterms/2, [T | Nodes], tuple_to_list(T));
subterms([E | Es], Nodes) -> subterms(Es, subterms(E, Nodes));
subterms(_, Nodes) -> Nodes.

add_name(S, Names) ->
    case catch unicode:characters_to_binary(S) of
        Name when is_binary(Name) -> [Name | Names];
        _ -> Names
    end.
