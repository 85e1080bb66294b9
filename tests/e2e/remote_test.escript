#!/usr/bin/env escript
%% SPDX-License-Identifier: GPL-3.0-or-later
%% Runs the program of src/remote exactly as it is shipped, in this very runtime system, with a process of the test as the
%% client; no distribution. What it prints is compared with what the node's own shells print, driven over the I/O protocol.
%%
%%   remote_test.escript SRCDIR [SECTION...]      TAP; sections: see main/1
%%   remote_test.escript SRCDIR --reference       what the shells print, for test_shell_text.py: a line a text, in base64:
%%                                                language, text, output
-mode(compile).

-define(GUARD, [{<<"init">>, <<"stop">>, -1}, {<<"init">>, <<"restart">>, -1}, {<<"init">>, <<"reboot">>, -1},
                {<<"erlang">>, <<"halt">>, -1}, {<<"c">>, <<"q">>, 0}, {<<"shell_default">>, <<"q">>, 0},
                {<<"Elixir.System">>, <<"halt">>, -1}, {<<"Elixir.System">>, <<"stop">>, -1},
                {<<"Elixir.System">>, <<"restart">>, -1}]).

main([Dir | Chosen]) ->
    io:setopts(standard_io, [{encoding, unicode}]),
    logger:set_primary_config(level, none),
    put(n, 0),
    put(failed, 0),
    {ok, Source} = file:read_file(filename:join(Dir, "src/remote/session_program.c")),
    {match, Names} = re:run(Source, "\\{ \"([a-z_]+)\", ", [global, {capture, all_but_first, list}]),
    put(program, term_to_binary(list_to_tuple([bytes(Source, Name) || [Name] <- Names]))),
    put(loader, binary_to_term(<<131, (bytes(Source, "loader"))/binary>>)),
    {ok, Cases} = file:consult(filename:join(Dir, "tests/e2e/remote_cases.eterm")),
    put(cases, Cases),
    put(dir, Dir),
    Chosen =:= ["--reference"] andalso references(),
    Sections = [{"program", fun program/0}, {"shell", fun shell/0}, {"text", fun text/0}, {"show", fun show/0}, {"io", fun io_requests/0},
                {"window", fun window/0}, {"kill", fun kill/0}, {"guard", fun guard/0}, {"elixir", fun elixir/0},
                {"read_only", fun read_only/0}, {"leak", fun leak/0}, {"cost", fun cost/0}],
    [F() || {Name, F} <- Sections, Chosen =:= [] orelse lists:member(Name, Chosen)],
    io:format("1..~w~n", [get(n)]),
    halt(case get(failed) of 0 -> 0; _ -> 1 end).

references() ->
    code:ensure_loaded(user_default),
    [io:format("erlang ~s ~s~n", [coded(T), coded(blurred(erlang_shell(T)))]) || T <- section(erlang)],
    {ok, _} = application:ensure_all_started(iex),
    [io:format("elixir ~s ~s~n", [coded(T), coded(blurred(iex(T)))]) || T <- section(elixir)],
    halt(0).

coded(Text) -> base64:encode(unicode:characters_to_binary(Text)).

%% --- Tools -----------------------------------------------------------------------------------------------------------

ok(Name, true) -> say("ok", Name);
ok(Name, false) -> put(failed, get(failed) + 1), say("not ok", Name).

is(Name, Expected, Got) ->
    Got =:= Expected orelse io:format("# ~ts~n#   expected ~tp~n#   got      ~tp~n", [Name, Expected, Got]),
    ok(Name, Got =:= Expected).

say(Word, Name) ->
    put(n, get(n) + 1),
    io:format("~s ~w - ~ts~n", [Word, get(n), [C || C <- lists:flatten(string:replace(Name, "\n", " ", all)), C =/= $#]]).

bytes(Text, Name) ->
    {match, [Body]} = re:run(Text, Name ++ "\\[\\] = {([^}]*)}", [{capture, all_but_first, list}]),
    << <<(list_to_integer(Hex, 16))>> || "0x" ++ Hex <- string:lexemes(Body, ", \t\n") >>.

-record(s, {tag, w, m, relay = none, out = [], value = [], exc = [], asked = [], answer = false, ack = all, unacked = 0, max = 0}).

start(Input) -> start(Input, #{}).

start(Input, Options) ->
    Tag = make_ref(),
    Args = {self(), Tag, maps:get(language, Options, erlang),
            case Input of {_, _, _} -> list_to_tuple([2 | tuple_to_list(Input)]); _ when is_binary(Input) -> {1, Input}; _ -> {1, unicode:characters_to_binary(Input)} end,
            maps:get(confirmed, Options, false), maps:get(show, Options, 1), maps:get(columns, Options, 80),
            maps:get(window, Options, 262144), maps:get(guard, Options, [])},
    {W, M} = spawn_opt(erl_eval, exprs, [get(loader), [{pid, get(program)}, {node, Args}]], [monitor]),
    #s{tag = Tag, w = W, m = M, answer = maps:get(answer, Options, false), ack = maps:get(ack, Options, all)}.

run(Input) -> run(Input, #{}).
run(Input, Options) -> wait(start(Input, Options)).

%% -> #{out, value, exception, outcome, detail, detached, sent, asked, max}
wait(S) -> wait(S, 30000).
wait(#s{tag = Tag, w = W, m = M} = S, Time) ->
    receive
        {Tag, 0, Relay, _} -> wait(S#s{relay = Relay}, Time);
        {Tag, 1, B} -> wait(ack(S#s{out = keep(S, B, S#s.out)}, B), Time);
        {Tag, 2, B} -> wait(ack(S#s{value = keep(S, B, S#s.value)}, B), Time);
        {Tag, 3, B} -> wait(ack(S#s{exc = keep(S, B, S#s.exc)}, B), Time);
        {Tag, 4, What} ->
            W ! {Tag, 1, S#s.answer},
            wait(S#s{asked = [What | S#s.asked]}, Time);
        {Tag, 5, Outcome, Detail, Sent, Detached} ->
            Sent =:= -1 orelse ({Sent, Sent} = {Sent, lists:sum([total(L) || L <- [S#s.out, S#s.value, S#s.exc]])}),
            receive {'DOWN', M, _, _, Why} -> ok after 2000 -> Why = late end,
            More = receive {Tag, _, _} -> true after 0 -> false end,
            #{out => all(S#s.out), value => all(S#s.value), exception => all(S#s.exc), outcome => Outcome, detail => Detail,
              detached => Detached, sent => Sent, asked => lists:reverse(S#s.asked), max => S#s.max, more => More, down => Why,
              relay => S#s.relay, w => W};
        {'DOWN', M, _, _, Why} ->
            #{outcome => down, detail => Why, out => <<>>, value => <<>>, exception => <<>>}
    after Time ->
        #{outcome => timeout, detail => W, out => all(S#s.out), value => all(S#s.value), exception => all(S#s.exc)}
    end.

keep(#s{ack = {slow, _, _}}, B, L) -> case L of [N] when is_integer(N) -> [N + byte_size(B)]; [] -> [byte_size(B)] end;
keep(_, B, L) -> [B | L].
total([N]) when is_integer(N) -> N;
total(L) -> iolist_size(L).
all([N]) when is_integer(N) -> N;
all(L) -> iolist_to_binary(lists:reverse(L)).

%% {slow, Wait, Each}: acknowledge only after Each bytes, having slept Wait ms.
ack(#s{relay = R, tag = Tag, ack = all} = S, B) ->
    R ! {Tag, 0, byte_size(B)},
    S#s{max = max(S#s.max, byte_size(B))};
ack(#s{relay = R, tag = Tag, ack = {slow, Wait, Each}} = S, B) ->
    Unacked = S#s.unacked + byte_size(B),
    Max = max(S#s.max, Unacked),
    case Unacked >= Each of
        true ->
            Wait > 0 andalso timer:sleep(Wait),
            R ! {Tag, 0, Unacked},
            S#s{unacked = 0, max = Max};
        false ->
            S#s{unacked = Unacked, max = Max}
    end.

%% Text of everything as a terminal would have it.
shown(#{out := Out, value := Value, exception := Exc, outcome := 2, detail := {Line, Column, Text}}) ->
    Place = case release() =< 23 of
                true -> io_lib:format("~w", [Line]);
                false -> io_lib:format("~w:~w", [Line, Column])
            end,
    unicode:characters_to_binary([Out, Value, Exc, "* ", Place, ": ", Text, "\n"]);
shown(#{out := Out, value := Value, exception := Exc}) ->
    iolist_to_binary([Out, [[Value, "\n"] || Value =/= <<>>], [[Exc, "\n"] || Exc =/= <<>>]]).

release() -> list_to_integer(erlang:system_info(otp_release)).

section(Name) -> {_, L} = lists:keyfind(Name, 1, get(cases)), L.

until(F) -> until(F, 200).
until(F, 0) -> F();
until(F, N) ->
    case F() of
        true -> true;
        false -> timer:sleep(5), until(F, N - 1)
    end.

%% --- The node's own shells as the reference --------------------------------------------------------------------------

%% An I/O server that gives Text to whoever reads, then ends; returns what was written.
reference(Text, Start, Mode) ->
    Self = self(),
    Server = spawn(fun() ->
                           process_flag(trap_exit, true),
                           Pid = spawn_link(fun() -> receive go -> Start() end end),
                           group_leader(self(), Pid),
                           Pid ! go,
                           serve(Text, [], Mode, Pid, Self)
                   end),
    receive {Server, Out} -> Out after 20000 -> exit(Server, kill), <<"timeout">> end.

serve(Text, Out, Mode, Pid, Owner) ->
    receive
        {io_request, From, As, Request} ->
            case served(Request, Text, Mode) of
                {out, Chars, Reply} ->
                    From ! {io_reply, As, Reply},
                    serve(Text, [Chars | Out], Mode, Pid, Owner);
                {in, Reply, Rest} ->
                    From ! {io_reply, As, Reply},
                    serve(Rest, Out, Mode, Pid, Owner);
                done ->
                    From ! {io_reply, As, {error, terminated}},
                    exit(Pid, kill),
                    Owner ! {self(), unicode:characters_to_binary(lists:reverse(Out))}
            end;
        {'EXIT', Pid, _} ->
            Owner ! {self(), unicode:characters_to_binary(lists:reverse(Out))};
        _ ->
            serve(Text, Out, Mode, Pid, Owner)
    end.

served({put_chars, _, M, F, A}, _, _) -> {out, apply(M, F, A), ok};
served({put_chars, latin1, C}, _, _) -> {out, unicode:characters_to_list(C, latin1), ok};
served({put_chars, _, C}, _, _) -> {out, C, ok};
served({requests, L}, Text, Mode) -> {out, [C || {out, C, _} <- [served(R, Text, Mode) || R <- L]], ok};
served({get_geometry, columns}, _, _) -> {out, [], 80};
served({get_geometry, _}, _, _) -> {out, [], {error, enotsup}};
served(getopts, _, Mode) -> {out, [], [{binary, Mode =:= binary}, {encoding, unicode}, {echo, false}, {expand_fun, fun(_) -> {no, "", []} end}]};
served({setopts, _}, _, _) -> {out, [], ok};
served({get_until, _, _, M, F, A}, Text, Mode) -> get_until(M, F, A, Text, [], Mode);
served({get_line, _, _}, [], _) -> done;
served({get_line, _, _}, Text, binary) ->
    [Line | Rest] = string:split(Text, "\n"),
    {in, unicode:characters_to_binary([Line, "\n"]), lists:append(Rest)};
served(_, _, _) -> {out, [], {error, request}}.

get_until(_, _, _, [], [], _) -> done;
get_until(M, F, A, Text, Cont, Mode) ->
    {Line, Rest} = case string:split(Text, "\n") of
                       [L, R] -> {L ++ "\n", R};
                       [[]] -> {eof, []};
                       [L] -> {L ++ "\n", []}
                   end,
    Data = case {Line, Mode} of {eof, _} -> eof; {_, binary} -> unicode:characters_to_binary(Line); _ -> Line end,
    case apply(M, F, [Cont, case Mode of binary when Data =/= eof -> unicode:characters_to_list(Data); _ -> Data end | A]) of
        {done, Result, eof} -> {in, Result, Rest};
        {done, Result, More} -> {in, Result, lists:flatten([More]) ++ Rest};
        {more, _} when Data =:= eof -> done;
        {more, Cont1} -> get_until(M, F, A, Rest, Cont1, Mode)
    end.

%% What the shell prints for one text, without the greeting.
erlang_shell(Text) ->
    Out = reference(Text ++ "\n", fun() -> shell:server(true, false) end, list),
    [_ | Rest] = binary:split(Out, <<"\n">>),
    iolist_to_binary(Rest).

iex(Text) ->
    Out = reference(Text ++ "\n", fun() ->
                                          'Elixir.IEx.Server':run_from_shell([], {erlang, self, []})
                                  end, binary),
    Out.

shell() ->
    code:ensure_loaded(user_default),
    [begin
         Own = erlang_shell(T),
         Ours = shown(run(T)),
         case blurred(Own) =:= blurred(Ours) of
             true -> ok("as the shell: " ++ T, true);
             false -> is("as the shell: " ++ T, blurred(Own), blurred(Ours))
         end
     end || T <- section(erlang)].

%% Pids, funs and times differ between two runs of anything.
blurred(B) ->
    re:replace(B, "<0\\.[0-9]+\\.0>|#Fun<erl_eval[^>]*>", "@", [global, {return, binary}, unicode]).

%% --- The program itself ----------------------------------------------------------------------------------------------

%% Atoms that erl -noinput has not before any evaluation, and why they may be in the program all the same.
-define(OWN_ATOMS, [<<"user_default">>, <<"shell_strings">>, <<"shell_undef">>, <<"strict_record_tests">>, % the shell's
                    <<"b">>, <<"rd">>, <<"rf">>, <<"rl">>, <<"rp">>, <<"rr">>,                % typed by the operator
                    <<"is_regular">>, <<"invalid_filename">>, <<"wildcard">>,                 % filelib's, when it is called
                    <<"line_max_chars">>, <<"record_print_fun">>,                             % of io_lib_pretty, likewise
                    <<"elixir">>, <<"iex">>]).                                                % looked for when Elixir is asked for

program() -> [program(Name) || Name <- ["session", "remsh"]].

program(Name) ->
    Dir = get(dir),
    {ok, Module} = file:read_file(filename:join(Dir, "src/remote/module.mk")),
    {match, [List]} = re:run(Module, "remote_" ++ Name ++ " =((?:[^\n]*\\\\\n)*[^\n]*)", [{capture, all_but_first, list}]),
    Sources = string:lexemes(List, " \\\n\t"),
    Generate = "cd " ++ Dir ++ " && escript src/remote/generate.escript ",
    is(Name ++ ": the program is what its sources give", "", os:cmd(Generate ++ "--check src/remote/" ++ Name ++ "_program.c " ++ lists:join(" ", Sources))),
    Warnings = [W || F <- Sources, {ok, _, _, W} <- [compile:file(filename:join(Dir, F), [binary, return, nowarn_deprecated_catch])], W =/= []],
    is(Name ++ ": the sources compile without a warning", [], Warnings),
    Atoms = filename:join(os:getenv("TMPDIR", "/tmp"), "beamline-atoms." ++ os:getpid()),
    os:cmd(Generate ++ "--atoms " ++ lists:join(" ", Sources) ++ " > " ++ Atoms),
    Missing = os:cmd("erl -noinput -eval '{ok, B} = file:read_file(\"" ++ Atoms ++ "\"), "
                     "lists:foreach(fun(A) -> try binary_to_existing_atom(A, utf8) catch _:_ -> io:format(\"~ts~n\", [A]) end end, "
                     "binary:split(B, <<\"\\n\">>, [global, trim_all])), halt().'"),
    file:delete(Atoms),
    %% Sections for Elixir are decoded where there is Elixir only, which has these.
    Elixirs = [<<"%{}">>, <<"<>">>, <<"__aliases__">>, <<"__struct__">>, <<"alias">>, <<"app">>, <<"blame">>, <<"eval_quoted">>, <<"fn">>,
               <<"format_banner">>, <<"format_stacktrace">>, <<"severity">>, <<"string_to_quoted">>, <<"{}">>, <<"|>">>],
    is(Name ++ ": its atoms are there on a fresh node", [], binary:split(list_to_binary(Missing), <<"\n">>, [global, trim_all]) -- (?OWN_ATOMS ++ Elixirs)).

%% --- The text --------------------------------------------------------------------------------------------------------

text() ->
    is("the dot is optional", <<"3">>, maps:get(value, run("1+2"))),
    is("several forms, the last value counts", <<"3">>, maps:get(value, run("X = 1. Y = 2.\n X + Y"))),
    is("comments", <<"7">>, maps:get(value, run("% first\n7 % last"))),
    is("a comment ends the text after a dot", <<"7">>, maps:get(value, run("7.\n% last"))),
    is("bindings go from form to form, f() clears", 2, maps:get(outcome, run("X = 1. f(). X."))),
    is("no expression", {2, {1, 1, <<"there is no expression">>}}, od(run("  % nothing\n"))),
    is("not UTF-8", {2, {1, 1, <<"the text is not UTF-8">>}}, od(run(<<"\"", 255, "\".">>))),
    is("line and column", {2, 2}, {maps:get(outcome, run("1,\n2 + .")), element(1, maps:get(detail, run("1,\n2 + .")))}),
    is("a second form that does not parse keeps the first from running", <<>>, maps:get(out, run("io:put_chars(\"x\"). 1+ ."))),
    is("a string that does not end", {2, 1}, {maps:get(outcome, run("\"open")), element(1, maps:get(detail, run("\"open")))}),
    is("an expression that does not end", 2, maps:get(outcome, run("case 1 of"))),
    ok("record of a loaded module, never read", starts("#file_info{size = 1,", run("#file_info{size = 1}."))),
    is("index of such a record", <<"2">>, maps:get(value, run("#file_info.size"))),
    ok("record given by rr, known when printing", starts("#file_info{", run("rr(file), element(2, file:read_file_info(\".\"))"))),
    is("local function in a fun in another process", <<"ok">>,
       maps:get(value, run("S = self(), spawn(fun() -> S ! (catch nosuch(1)) end), receive {'EXIT', {{shell_undef, nosuch, 1, _}, _}} -> ok end"))),
    is("shell_default", 0, maps:get(outcome, run("i()."))),
    is("memory()", 0, maps:get(outcome, run("memory()."))),
    is("an empty mailbox", <<"{messages,[]}">>, maps:get(value, run("process_info(self(), messages)"))),
    is("an empty dictionary", <<"[]">>, maps:get(value, run("get()"))),
    is("rpc", {0, <<"[3,2,1]">>}, ov(run({lists, reverse, [[1, 2, 3]]}))),
    is("rpc that fails", {1, {<<"error">>, <<"badarith">>}}, od(run({erlang, '/', [1, 0]}))),
    is("200 KB of text", <<"20000">>, maps:get(value, run(["length([", lists:join(",", lists:duplicate(20000, "{x, 12}")), "])"], #{guard => ?GUARD}))).

od(#{outcome := O, detail := D}) -> {O, D}.
ov(#{outcome := O, value := V}) -> {O, V}.

starts(Prefix, #{value := V}) -> string:prefix(V, Prefix) =/= nomatch.

%% --- How the value is shown ------------------------------------------------------------------------------------------

show() ->
    Deep = "lists:seq(1, 1000)",
    ok("shell: depth is limited", byte_size(maps:get(value, run(Deep))) < 300),
    Full = maps:get(value, run(Deep, #{show => 2})),
    is("full: all of it, in lines of 80", {true, true},
       {binary:match(Full, <<"1000]">>) =/= nomatch, lists:max([byte_size(L) || L <- binary:split(Full, <<"\n">>, [global])]) =< 80}),
    is("full is what rp prints", maps:get(out, run("rp(lists:seq(1, 1000))")), <<Full/binary, "\n">>),
    Narrow = maps:get(value, run(Deep, #{columns => 40})),
    ok("columns", lists:max([byte_size(L) || L <- binary:split(Narrow, <<"\n">>, [global])]) =< 40),
    Term = "{a, [1, 2.5], <<1:3>>, self()}",
    ok("term: external term format", {a, [1, 2.5], <<1:3>>} =:= erlang:delete_element(4, binary_to_term(maps:get(value, run(Term, #{show => 3}))))),
    is("raw: a binary", {0, <<0, 255>>}, ov(run("<<0, 255>>", #{show => 4}))),
    is("raw: iodata", {0, <<"ab", 3>>}, ov(run("[<<\"a\">>, [$b | <<3>>]]", #{show => 4}))),
    is("raw: large iodata", {0, iolist_to_binary(lists:duplicate(30000, [<<0:800>>, "x"]))},
       ov(run("lists:duplicate(30000, [<<0:800>>, \"x\"])", #{show => 4}))),
    is("raw: not bytes", {5, <<"{a,b}">>}, od(run("{a, b}", #{show => 4}))),
    is("raw: a bit too much", 5, maps:get(outcome, run("<<1:3>>", #{show => 4}))),
    is("raw: a character above 255", 5, maps:get(outcome, run("[300]", #{show => 4}))),
    is("raw: empty", {0, <<>>}, ov(run("<<>>", #{show => 4}))),
    is("nothing", {0, <<>>}, ov(run("lists:seq(1, 100)", #{show => 5}))),
    is("shell_strings", <<"[97]">>, begin
                                        application:set_env(stdlib, shell_strings, false),
                                        V = maps:get(value, run("\"a\".")),
                                        application:unset_env(stdlib, shell_strings),
                                        V
                                    end).

%% --- The I/O server --------------------------------------------------------------------------------------------------

io_requests() ->
    Value = fun(T) -> maps:get(value, run(T)) end,
    Out = fun(T) -> maps:get(out, run(T)) end,
    [is(T ++ " is refused, not ended", <<"{error,enotsup}">>, Value(T))
     || T <- ["io:get_line(\"> \").", "io:get_chars(\"> \", 3).", "io:read(\"> \").", "io:fread(\"> \", \"~d\").", "io:scan_erl_exprs(\"> \")."]],
    is("rows without end, so that nothing is paged", <<"true">>, Value("{ok, R} = io:rows(), R > 1000000.")),
    is("i() of many processes", 0, maps:get(outcome, run("[spawn_link(timer, sleep, [2000]) || _ <- lists:seq(1, 150)], i()."))),
    is("columns", <<"{ok,80}">>, Value("io:columns().")),
    is("setopts", <<"ok">>, Value("io:setopts([{echo, false}]).")),
    is("getopts", <<"unicode">>, Value("proplists:get_value(encoding, io:getopts()).")),
    Ask = fun(Request) -> "group_leader() ! {io_request, self(), x, " ++ Request ++ "}, receive {io_reply, x, R} -> R end." end,
    [is(Request, {0, <<"ok">>, Sent}, begin #{outcome := O, value := V, out := S} = run(Ask(Request)), {O, V, S} end)
     || {Request, Sent} <- [{"{put_chars, latin1, <<228>>}", <<"ä"/utf8>>}, {"{put_chars, unicode, \"∑\"}", <<"∑"/utf8>>},
                            {"{put_chars, unicode, <<\"∑\"/utf8>>}", <<"∑"/utf8>>}, {"{put_chars, [97, <<98>>]}", <<"ab">>},
                            {"{put_chars, unicode, io_lib, format, [\"~p\", [x]]}", <<"x">>}, {"{put_chars, io_lib, format, [\"~p\", [x]]}", <<"x">>},
                            {"{requests, [{put_chars, latin1, \"a\"}, {put_chars, unicode, \"b\"}, {setopts, []}]}", <<"ab">>},
                            {"{requests, []}", <<>>}, {"{put_chars, unicode, []}", <<>>}]],
    [is(Request ++ " fails", {0, <<>>, true}, begin #{outcome := O, value := V, out := S} = run(Ask(Request)), {O, S, binary:match(V, <<"{error,">>) =/= nomatch} end)
     || Request <- ["{put_chars, unicode, <<255>>}", "{put_chars, latin1, [300]}", "{put_chars, unicode, erlang, error, [x]}",
                    "{put_chars, unicode, erlang, exit, [x]}", "nonsense", "{get_password, unicode}", "{put_chars, unicode, {no, chars}}"]],
    is("requests end at the first error", <<"a">>, Out(Ask("{requests, [{put_chars, latin1, \"a\"}, {get_line, latin1, x}, {put_chars, latin1, \"b\"}]}"))),
    is("output of a child", <<"child">>, Out("S = self(), spawn(fun() -> io:put_chars(\"child\"), S ! x end), receive x -> ok end.")),
    is("order of output and value", {<<"123">>, <<"4">>}, {Out("io:put_chars(\"1\"), io:put_chars(\"2\"), io:put_chars(\"3\"), 4."), Value("io:put_chars(\"1\"), 4.")}),
    is("one write of 1 MB", 1000000, byte_size(Out("io:put_chars(lists:duplicate(1000000, $x))."))),
    is("10,000 writes", 20000, byte_size(Out("[io:put_chars(\"x\\n\") || _ <- lists:seq(1, 10000)], ok."))).

%% --- The window ------------------------------------------------------------------------------------------------------

window() ->
    Size = 100 * 1024 * 1024,
    {Grown, R} = memory_of(fun() -> run("B = binary:copy(<<\"x\">>, 102400), [io:put_chars(B) || _ <- lists:seq(1, 1024)], ok.",
                                        #{window => 262144, ack => {slow, 0, 131072}}) end),
    is("100 MiB printed to a slow client: all there", Size, maps:get(out, R)),
    ok("never more than the window and a chunk on its way: " ++ integer_to_list(maps:get(max, R)), maps:get(max, R) =< 262144 + 245760),
    ok("memory of the node stays flat: " ++ integer_to_list(Grown), Grown < 8000000),
    T0 = erlang:monotonic_time(millisecond),
    R2 = run("binary:copy(<<\"x\">>, 268435456).", #{show => 4, window => 1048576, ack => {slow, 0, 524288}}),
    T = erlang:monotonic_time(millisecond) - T0,
    is("256 MiB raw", 268435456, maps:get(value, R2)),
    io:format("# 256 MiB raw in ~w ms: ~w MiB/s~n", [T, 256000 div max(1, T)]),
    ok("under the window too", maps:get(max, R2) =< 1048576 + 245760),
    %% Nothing is acknowledged: the writer waits, and can be ended.
    S = start("[io:put_chars(binary:copy(<<\"x\">>, 10000)) || _ <- lists:seq(1, 1000)], ok.", #{window => 50000, ack => {slow, 0, 1 bsl 40}}),
    timer:sleep(100),
    S#s.w ! {S#s.tag, 2},
    R3 = wait(S),
    is("a writer that waits is ended", 4, maps:get(outcome, R3)),
    ok("and had sent no more than the window and a write", maps:get(out, R3) =< 60000),
    R4 = run("spawn(fun() -> io:put_chars(lists:duplicate(3000, $x)) end), timer:sleep(20), ok.", #{window => 100, ack => {slow, 5, 90}}),
    is("a detached writer that waits is let go", 0, maps:get(outcome, R4)).

memory_of(F) ->
    Self = self(),
    erlang:garbage_collect(),
    M0 = erlang:memory(total),
    Watch = spawn(fun() -> watch_memory(Self, 0) end),
    R = F(),
    Watch ! stop,
    receive {Watch, Most} -> {Most - M0, R} end.

watch_memory(Owner, Most) ->
    receive stop -> Owner ! {self(), Most}
    after 5 -> watch_memory(Owner, max(Most, erlang:memory(total)))
    end.

%% --- Ends ------------------------------------------------------------------------------------------------------------

kill() ->
    [killed(T) || T <- ["timer:sleep(infinity).", "receive never -> ok end.", "(fun F() -> F() end)().",
                        "process_flag(trap_exit, true), (fun F() -> F() end)().",
                        "process_flag(trap_exit, true), (fun F() -> receive _ -> F() end end)().",
                        "[spawn_link(fun() -> process_flag(trap_exit, true), timer:sleep(infinity) end) || _ <- lists:seq(1, 50)], timer:sleep(infinity).",
                        "spawn_link(fun() -> spawn_link(fun() -> process_flag(trap_exit, true), (fun F() -> F() end)() end), process_flag(trap_exit, true), timer:sleep(infinity) end), (fun F() -> F() end)().",
                        "spawn_monitor(fun() -> process_flag(trap_exit, true), timer:sleep(infinity) end), timer:sleep(infinity).",
                        "lists:seq(1, 100000000), timer:sleep(infinity)."]],
    [client_dies(T) || T <- ["process_flag(trap_exit, true), (fun F() -> F() end)().",
                             "[spawn_link(fun() -> process_flag(trap_exit, true), (fun F() -> F() end)() end) || _ <- [1, 2]], timer:sleep(infinity).",
                             "(fun F() -> io:put_chars(\"x\"), F() end)()."]],
    Before = processes(),
    R = run("spawn_link(fun() -> process_flag(trap_exit, true), timer:sleep(infinity) end), ok."),
    is("what is linked at the end goes", {0, 0, []}, {maps:get(outcome, R), maps:get(detached, R), processes() -- Before}),
    R1 = run("[spawn(fun() -> receive stop -> ok end end) || _ <- [1, 2, 3]]."),
    Left = processes() -- Before,
    is("what is not linked lives on and is counted", {0, 3, 3}, {maps:get(outcome, R1), maps:get(detached, R1), length(Left)}),
    is("with user as its group leader", [whereis(user)], lists:usort([G || P <- Left, {group_leader, G} <- [process_info(P, group_leader)]])),
    [exit(P, kill) || P <- Left],
    is("exit(self(), kill)", {7, <<"killed">>}, od(run("exit(self(), kill)."))),
    is("a linked process takes the evaluator along", {7, <<"oops">>}, od(run("spawn_link(fun() -> exit(oops) end), timer:sleep(1000)."))),
    is("exit(kill)", 1, maps:get(outcome, run("exit(kill)."))),
    R2 = run("exit(group_leader(), kill), timer:sleep(1000)."),
    is("the relay is killed", {7, -1}, {maps:get(outcome, R2), maps:get(sent, R2)}),
    R3 = run("R = group_leader(), spawn(fun() -> timer:sleep(200), exit(R, kill) end), binary:copy(<<\"x\">>, 300000).", #{show => 4, window => 1, ack => {slow, 500, 1}}),
    is("the relay is killed while the value waits", {7, -1}, {maps:get(outcome, R3), maps:get(sent, R3)}),
    is("unlink(everything), trap_exit", 0, maps:get(outcome, run("process_flag(trap_exit, true), {links, L} = process_info(self(), links), [unlink(P) || P <- L], ok."))),
    is("a new group leader in the evaluator", 0, maps:get(outcome, run("group_leader(whereis(user), self()), ok."))),
    is("the watcher is killed: the rest goes", true,
       begin
           B = processes(),
           S = start("process_flag(trap_exit, true), (fun F() -> F() end)()."),
           timer:sleep(50),
           exit(S#s.w, kill),
           until(fun() -> processes() -- B =:= [] end)
       end),
    until(fun() -> processes() -- Before =:= [] end),
    is("nothing is left", [], processes() -- Before).

killed(T) ->
    Before = processes(),
    S = start(T),
    timer:sleep(60),
    T0 = erlang:monotonic_time(microsecond),
    S#s.w ! {S#s.tag, 2},
    R = wait(S),
    Took = erlang:monotonic_time(microsecond) - T0,
    is("ended: " ++ T, {4, 0, []}, {maps:get(outcome, R), maps:get(detached, R, none), processes() -- Before}),
    Took > 50000 andalso io:format("# took ~w us~n", [Took]).

client_dies(T) ->
    Before = processes(),
    P = get(program), L = get(loader),
    Client = spawn(fun() -> put(program, P), put(loader, L), S = start(T, #{window => 100}), wait(S) end),
    timer:sleep(100),
    exit(Client, kill),
    is("client gone: " ++ T, true, until(fun() -> processes() -- Before =:= [] end)).

%% --- The guard -------------------------------------------------------------------------------------------------------

guard() ->
    [begin
         R = run(T, #{guard => ?GUARD, show => 5}),
         case R of
             #{outcome := 3, asked := [What], detail := What} when is_binary(What) -> ok("asked about: " ++ T, true);
             _ -> is("asked about: " ++ T, 3, {maps:get(outcome, R), maps:get(detail, R)})
         end
     end || T <- section(dangerous)],
    [is("not asked about: " ++ T, false, asks(T, erlang)) || T <- section(harmless)],
    is("nothing is evaluated before the answer", {3, <<>>}, begin #{outcome := O, out := Out} = run("io:put_chars(\"x\"). init:stop().", #{guard => ?GUARD}), {O, Out} end),
    is("answer yes", {0, [<<"c:q/0">>], <<"fun c:q/0">>}, begin #{outcome := O2, asked := A, value := V} = run("fun c:q/0.", #{guard => ?GUARD, answer => true}), {O2, A, V} end),
    is("confirmed: not asked", {0, []}, begin #{outcome := O3, asked := A3} = run("fun c:q/0.", #{guard => ?GUARD, confirmed => true}), {O3, A3} end),
    is("ended while it asks", 4, begin
                                     S = start("init:stop().", #{guard => ?GUARD}),
                                     Tag = S#s.tag,
                                     receive {Tag, 4, _} -> ok end,
                                     S#s.w ! {Tag, 2},
                                     maps:get(outcome, wait(S))
                                 end),
    [is(lists:flatten(io_lib:format("rpc ~p", [Call])), Expected, maps:get(outcome, run(Call, #{guard => ?GUARD, show => 5})))
     || {Call, Expected} <- [{{init, stop, []}, 3}, {{erlang, halt, [0]}, 3}, {{erlang, apply, [init, stop, []]}, 3},
                             {{erlang, apply, [fun init:stop/0, []]}, 3}, {{timer, apply_after, [1, init, stop, []]}, 3},
                             {{application, stop, [kernel]}, 3}, {{erlang, send, [init, {stop, stop}]}, 3},
                             {{lists, reverse, [[init, stop]]}, 0}, {{init, get_status, []}, 0}]].

%% Whether the guard asks about a text, without evaluating it.
asks(T, Language) ->
    S = start(T, #{guard => ?GUARD, language => Language, show => 5}),
    Tag = S#s.tag,
    receive {Tag, 4, What} -> io:format("# ~ts~n", [What]), S#s.w ! {Tag, 2}, wait(S), true
    after 30 -> S#s.w ! {Tag, 2}, maps:get(asked, wait(S)) =/= []
    end.

%% --- Read-only -------------------------------------------------------------------------------------------------------

%% The texts that look do the same as without; those that touch are refused, and leave nothing behind.
read_only() ->
    {ok, Texts} = file:consult(filename:join(get(dir), "tests/e2e/remote_read_only.eterm")),
    {ok, remote_canary, Beam} = compile:file(filename:join(get(dir), "tests/e2e/remote_canary.erl"), [binary]),
    {module, remote_canary} = code:load_binary(remote_canary, "remote_canary.beam", Beam),
    file:set_cwd(os:getenv("TMPDIR", "/tmp")),
    file:delete("touched"),
    true = remote_canary:start(),
    {_, Looking} = lists:keyfind(looking, 1, Texts),
    [is("looks: " ++ T, told(run(T)), told(run(T, #{guard => 1}))) || T <- Looking],
    %% As they are printed; up to 23 evaluating them fails for another reason.
    Printed = ["#Fun<remote_canary.touch.0>(), <0.1.0>", "lists:foreach(#Fun<remote_canary.touch.1>, [<0.1.0>])"],
    Touching = element(2, lists:keyfind(touching, 1, Texts)) ++ [T || T <- Printed, release() > 23],
    Before = remote_canary:state(),
    [begin
         R = run(T, #{guard => 1, confirmed => true}),
         Caught = binary:match(maps:get(out, R), <<"caught">>),
         is("refused: " ++ T, {8, nomatch, true}, {maps:get(outcome, R), Caught, until(fun() -> remote_canary:state() =:= Before end)}),
         maps:get(outcome, R) =:= 8 orelse io:format("# ~tp~n", [R])
     end || T <- Touching],
    is("no atom has been made of text", true, try binary_to_existing_atom(<<"remote_", "canary_atom">>, utf8), false catch _:_ -> true end),
    is("what is refused is named, before anything is evaluated", {8, {<<"os:cmd/1">>, 0}, <<>>}, odo(run("io:put_chars(\"x\"), os:cmd(\"y\")", #{guard => 1}))),
    is("or where it shows only then", {8, {<<"os:cmd/1">>, 1}, <<"x">>}, odo(run("io:put_chars(\"x\"), F = fun os:cmd/1, F(\"y\")", #{guard => 1}))),
    is("nothing but text", {8, 8}, {maps:get(outcome, run({lists, seq, [1, 2]}, #{guard => 1})), maps:get(outcome, run("1", #{guard => 1, language => elixir}))}).

odo(#{outcome := O, detail := D, out := Out}) -> {O, D, Out}.

told(#{outcome := O, detail := D, value := V, out := Out, exception := E, detached := N}) ->
    {O, case O of 1 -> element(1, D); _ -> D end, blurred(V), blurred(Out), blurred(E), N}.

%% --- Elixir ----------------------------------------------------------------------------------------------------------

elixir() ->
    is("no Elixir: said so", true, code:which(elixir) =/= non_existing orelse maps:get(outcome, run("1", #{language => elixir})) =:= 6),
    case code:which(elixir) of
        non_existing -> say("ok", "Elixir # SKIP not on this machine");
        _ -> elixir_there()
    end.

elixir_there() ->
    E = #{language => elixir},
    is("starts Elixir itself", {0, <<"2">>}, ov(run("1 + 1", E))),
    {ok, _} = application:ensure_all_started(iex),
    [begin
         Own = iex(T),
         [_, Text] = binary:split(Own, <<"\n">>),
         Answer = case Text of <<"\n", More/binary>> -> More; _ -> Text end,
         is("as IEx: " ++ T, string:trim(blurred(Answer)), string:trim(blurred(shown(run(T, E)))))
     end || T <- section(elixir)],
    is("syntax error", {2, 1}, {maps:get(outcome, run("1 + ", E)), element(1, maps:get(detail, run("1 + ", E)))}),
    is("line of a syntax error", 2, element(1, maps:get(detail, run("x = 1\n2 +* 3", E)))),
    ok("an undefined variable is named", binary:match(maps:get(exception, run("nosuchvar.bar", E)), <<"nosuchvar">>) =/= nomatch),
    is("no input", {0, <<"{:error, :enotsup}">>}, ov(run("IO.gets(\"x\")", E))),
    is("raw", {0, <<"ab">>}, ov(run("[\"a\", ?b]", E#{show => 4}))),
    is("term", [1], binary_to_term(maps:get(value, run("[1]", E#{show => 3})))),
    ok("full", byte_size(maps:get(value, run("Enum.to_list(1..1000)", E#{show => 2}))) > 4000),
    is("rpc", {0, <<"\"AB\"">>}, ov(run({'Elixir.String', upcase, [<<"ab">>]}, E))),
    is("several lines", {0, <<"3">>}, ov(run("x = 1\ny = 2\nx + y", E))),
    [begin
         R = run(T, E#{guard => ?GUARD, show => 5}),
         is("asked about: " ++ T, 3, maps:get(outcome, R))
     end || T <- section(dangerous_elixir)],
    [is("not asked about: " ++ T, false, asks(T, elixir)) || T <- section(harmless_elixir)].

%% --- What stays ------------------------------------------------------------------------------------------------------

leak() ->
    Texts = ["1+1.", "{a, b}.", "io:format(\"~p~n\", [x]).", "1/0.", "1+.", "#file_info{}.", "init:stop().", "X = 1, b().", "rp([1]).", "nosuch(1)."],
    Round = fun() -> [run(T, #{guard => ?GUARD}) || T <- Texts] end,
    Round(),
    Round(),
    Count = fun() -> {erlang:system_info(atom_count), length(processes()), length(ets:all()), length(erlang:ports())} end,
    Before = Count(),
    [Round() || _ <- lists:seq(1, 100)],
    until(fun() -> Count() =:= Before end),
    is("1,000 evaluations leave no atom, process, table or port", Before, Count()).

%% --- What it costs (no checks, only figures) -------------------------------------------------------------------------

cost() ->
    Time = fun(T, O) ->
                   [run(T, O) || _ <- lists:seq(1, 20)],
                   L = lists:sort([element(1, timer:tc(fun() -> run(T, O) end)) || _ <- lists:seq(1, 200)]),
                   {lists:nth(100, L), hd(L)}
           end,
    {Median, Least} = Time("1+1.", #{guard => ?GUARD}),
    io:format("# program ~w bytes; 1+1 from spawn to the end: median ~w us, least ~w us~n", [byte_size(get(program)), Median, Least]),
    [io:format("# ~ts: median ~w us~n", [T, element(1, Time(T, #{guard => ?GUARD}))]) || T <- ["{ok, 1}.", "1/0.", "init:stop().", "M = lists, M:stop()."]],
    [io:format("# ~ts: plain ~w us, read-only ~w us~n", [string:slice(T, 0, 60), element(1, Time(T, #{})), element(1, Time(T, #{guard => 1}))])
     || T <- ["1+1.", "lists:map(fun(X) -> X * 2 end, lists:seq(1, 10)).",
              "[{element(2, process_info(P, memory)), P} || P <- processes(), element(2, process_info(P, memory)) > 100000].",
              lists:flatten(["length([", lists:join(",", lists:duplicate(5000, "{x, 12}")), "])."])]],
    Loops = 10000,
    [begin
         [Plain, ReadOnly] = [element(1, timer:tc(fun() -> #{outcome := 0} = run(lists:flatten(io_lib:format(Text, [Loops])), #{guard => G}) end)) || G <- [[], 1]],
         io:format("# ~ts: plain ~.2f us each, read-only ~.2f us~n", [Text, Plain / Loops, ReadOnly / Loops])
     end || Text <- ["[abs(X) || X <- lists:seq(1, ~w)], ok.", "fun F(0) -> ok; F(N) -> F(N - 1) end(~w).",
                     "M = erlang, [M:abs(X) || X <- lists:seq(1, ~w)], ok.", "F = fun erlang:abs/1, [F(X) || X <- lists:seq(1, ~w)], ok.",
                     "[lists:map(fun erlang:abs/1, [1]) || _ <- lists:seq(1, ~w)], ok."]],
    N = 5000,
    [begin
         {T, _} = timer:tc(fun() -> run(lists:flatten(io_lib:format(Text, [N])), #{window => 1 bsl 30}) end),
         io:format("# ~ts: ~w us each~n", [Text, T div N])
     end || Text <- ["[io:put_chars(<<\"hello\\n\">>) || _ <- lists:seq(1, ~w)], ok.", "[io:format(\"hello~~n\") || _ <- lists:seq(1, ~w)], ok."]].
