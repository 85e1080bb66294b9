%% SPDX-License-Identifier: GPL-3.0-or-later
%% What the texts of remote_read_only.eterm try to touch on a node, and how it is told whether they did. Compiled on the node itself.
-module(remote_canary).
-export([start/0, state/0, touch/0, touch/1, touch/2, whereis_name/1, sockname/1, sleep/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

%% Whoever gets one of these to run is counted.
touch() -> counters:add(persistent_term:get({canary, count}), 1, 1), ok.
touch(_) -> touch().
touch(_, _) -> touch().
whereis_name(_) -> touch(), undefined.
sockname(_) -> touch().

%% Funs lie wherever a text can look: in a table, the environment of an application, a persistent term, a dictionary, a state.
start() ->
    persistent_term:put({canary, count}, counters:new(1, [])),
    Native = fun() -> touch() end,
    Native1 = fun(_) -> touch(), true end,
    Native2 = fun(_, _) -> touch(), true end,
    {ok, Tokens, _} = erl_scan:string("fun(_) -> remote_canary:touch() end."),
    {ok, Parsed} = erl_parse:parse_exprs(Tokens),
    {value, Shell, _} = erl_eval:exprs(Parsed, []),
    persistent_term:put({canary, f}, Native),
    application:set_env(canary, f, Native1),
    Self = self(),
    P = spawn(fun() ->
                      canary = ets:new(canary, [named_table, public]),
                      ets:insert(canary, [{native, Native}, {native1, Native1}, {native2, Native2}, {shell, Shell},
                                          {external, fun ?MODULE:touch/0}, {external1, fun ?MODULE:touch/1}, {external2, fun ?MODULE:touch/2},
                                          {stop, fun init:stop/0}, {number, 7}]),
                      put(f, Native),
                      register(canary, self()),
                      Self ! {self(), ready},
                      sleep()
              end),
    receive {P, ready} -> ok end,
    Pid = case gen_server:start({local, canary_server}, ?MODULE, #{f => Native1, number => 7}, []) of {ok, S} -> S end,
    %% Once, so that what the first use starts is there.
    supervisor:which_children(kernel_sup),
    is_pid(Pid).

%% Messages stay in its mailbox and are counted there.
sleep() -> timer:sleep(infinity).

init(State) -> {ok, State}.
handle_call(_, _, State) -> touch(), {reply, ok, State}.
handle_cast(_, State) -> touch(), {noreply, State}.
handle_info(_, State) -> touch(), {noreply, State}.

state() ->
    {counters:get(persistent_term:get({canary, count}), 1), lists:sort(ets:tab2list(canary)), lists:sort(ets:all()),
     process_info(whereis(canary), [message_queue_len, dictionary, links, monitored_by, group_leader]), sys:get_state(canary_server),
     lists:sort(registered()), lists:sort(processes()), filelib:is_file("touched"),
     application:get_all_env(canary), length(persistent_term:get()), erlang:get_cookie(), file:get_cwd(), code:is_loaded(erl_tar)}.
