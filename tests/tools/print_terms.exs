# SPDX-License-Identifier: GPL-3.0-or-later
# Terms with the text that this Elixir prints for them, for print_compare: random ones and chosen ones, but for those that it is known to
# print otherwise than Elixir 1.18, whose text is ours (docs/compatibility.md): see Terms.same?/2.
# usage: elixir print_terms.exs FILE COUNT SEED

# Fields in alphabetical order, as they are printed here.
defmodule Point, do: defstruct([:x, :y])
defmodule Long.Name.Of.AStruct, do: defstruct([:alpha, :beta, :delta_is_long, :gamma])
defmodule Bare, do: defstruct([])

defmodule Terms do
  def n(max), do: :rand.uniform(max + 1) - 1
  def pick(list), do: Enum.at(list, :rand.uniform(length(list)) - 1)
  def times(0, _), do: []
  def times(count, fun), do: for(_ <- 1..count, do: fun.())

  def random(0), do: leaf()

  def random(d) do
    case :rand.uniform(16) do
      1 -> leaf()
      2 -> times(n(8), fn -> random(d - 1) end)
      3 -> List.to_tuple(times(n(6), fn -> random(d - 1) end))
      4 -> Map.new(times(n(5), fn -> {random(d - 1), random(d - 1)} end))
      5 -> Map.new(times(n(6), fn -> {atom(), random(d - 1)} end))
      6 -> times(n(8), fn -> {atom(), random(d - 1)} end)
      7 -> times(n(60), fn -> n(1000) end)
      8 -> [random(d - 1) | leaf()]
      9 -> [leaf(), leaf() | random(d - 1)]
      10 -> times(n(30), &leaf/0)
      11 -> {atom(), random(d - 1)}
      12 -> %Point{x: random(d - 1), y: random(d - 1)}
      13 -> %Long.Name.Of.AStruct{alpha: random(d - 1), beta: leaf(), delta_is_long: random(d - 1)}
      14 -> MapSet.new(times(n(6), fn -> random(d - 1) end))
      15 -> Map.new(times(n(pick([4, 60])), fn -> {leaf(), leaf()} end))
      16 -> random(d - 1)
    end
  end

  def leaf do
    case :rand.uniform(18) do
      1 -> n(10)
      2 -> n(100_000) - 50_000
      3 -> Bitwise.bsl(1, n(300)) - n(1000)
      4 -> pick([n(1000) / 8, n(1_000_000) * 1.0, 0.0, -0.0, 1.0e15, 1.0e16, 1.0e22, 1.0e-7, 0.5, -3.0e15, 123_456_789.0, 1.5e300])
      5 -> atom()
      6 -> atom()
      7 -> text(n(20), 127)
      8 -> text(n(60), 0x500)
      9 -> charlist(text(n(20), 127))
      10 -> charlist(text(n(10), 0x500))
      11 -> :binary.list_to_bin(times(n(pick([4, 60])), fn -> n(255) end))
      12 -> bits(n(0xFFFFFFF), n(60))
      13 -> pick([[], {}, %{}, "", true, false, nil, <<>>, MapSet.new(), %Bare{}])
      14 -> pick([self(), make_ref(), hd(:erlang.ports()), &String.length/1, &:lists.map/2, &:erlang.+/2, :erlang.make_fun(:"odd mod", :"odd fun", 1)])
      15 -> pick(ranges())
      16 -> pick([~D[2024-02-29], ~T[23:59:59], ~T[01:02:03.000456], ~N[2024-01-01 00:00:00.123], ~U[2024-01-01 12:00:00Z], ~U[1999-12-31 23:59:59.999999Z], ~D[-0044-03-15]])
      17 -> text(n(100), 127)
      18 -> n(255)
    end
  end

  # Where they are printed otherwise than in 1.18, a corpus with many of them would leave little to compare.
  def charlist(text), do: if(Version.match?(System.version(), ">= 1.15.0"), do: String.to_charlist(text), else: text)

  def bits(value, size), do: <<value::size(size)>>

  # Ranges have steps since Elixir 1.12; before, this does not even parse.
  def ranges do
    if Version.match?(System.version(), "< 1.12.0"),
      do: [1..10, -3..3],
      else: elem(Code.eval_string("[1..10, 10..1//-1, 1..10//2, 5..1//1, -3..3]"), 0)
  end

  def text(count, max) do
    List.to_string(
      times(count, fn ->
        case :rand.uniform(5) do
          1 when max > 127 -> pick([0xD7FF, 0xFEFF, 0x1F600, 0x10FFFF, n(max), n(max), n(max)])
          2 -> pick('\n\t\e\b\v\f\r\a\d"\'\\#{}#')
          _ -> pick('abc xyzABC019_-~')
        end
      end)
    )
  end

  def atom do
    pick([:"", :a, :ok, :error, :foo_bar, :Foo, Foo, Foo.Bar, Elixir, :"Elixir.", :"Elixir.foo", :"Elixir.Elixir", :"Elixir.Elixir.Foo",
          :"hello world", :end, nil, true, :é, :ünï, :Éa, :日本, :привет, :"aпривет", :"a日本", :a@b, :"a-b", :a?, :a!, :"a?b", :"1a", :_a, :_,
          :A?, :"a\nb", :"q\"u", :"\x7f", :"\#{x}", :%{}, :{}, :<<>>, :.., :"..//", :->, :"::", :"^^^", :"~~~", :"<|>", :+, :-, :"//", :"=>",
          :and, :in, :when, :&&, :|>, :!, :@, :"@a", :., :"", :"\0", :ß, :"µ", :"a\u0301", :"E", :ElixirFoo, :"Elixir.Fo?", :ひらがな, :λ,
          :a_rather_long_atom_for_a_key, String.to_atom(text(n(2), 127))])
  end

  def chosen do
    l = Enum.to_list(1..50)

    [[], {}, %{}, "", :a, l, List.to_tuple(l), [l, l], {:ok, l}, {:error, {:badmatch, l}}, [[[[[]]]]], [a: 1, b: l], [{:a, 1} | :b], %{a: l, b: %{c: l}},
     %{l => l}, %{l => l, "b" => {l, l}}, %{{:a, "long key long key long key"} => "long value long value long value long value"}, :binary.list_to_bin(l ++ [0]),
     <<0::500>>, <<0::501>>, <<1::1>>, String.duplicate("a", 200), List.duplicate(?a, 200), ["a" | "b"], [1, 2 | 3], l ++ [:foo | l], [l | :tail], [1.0 | l],
     {String.duplicate("x", 100)}, {{{String.duplicate("x", 100)}}}, [String.duplicate("x", 100)], {{l}}, {{{l}}, :b}, {:tag, {:tag, {:tag, l}}},
     Enum.reduce(1..50, nil, fn x, a -> {x, a} end), Enum.reduce(1..50, [], fn x, a -> [x, a] end), Enum.reduce(1..50, %{}, fn x, a -> %{x => a} end),
     Enum.reduce(1..50, %{}, fn x, a -> %{a => x} end), Map.new(1..40, &{&1, &1}), Map.new(1..40, &{:"k#{&1}", &1}), MapSet.new(l), MapSet.new([l]),
     MapSet.new([[104, 105], 'a']), {MapSet.new(['ab']), 'ab'}, MapSet.new([a: 1]), %{MapSet.new(l) => 'abc'}, {:a, MapSet.new([1, 2, 3])},
     %Point{x: l, y: %Point{}}, [%Point{}], %RuntimeError{message: "x"}, %ArgumentError{}, %Bare{}, [%Bare{}, 1..2], {1..2, ~D[2020-01-01]}, %{__struct__: 5},
     %{"Elixir.Foo": 1}, [{Foo, 1}], [{:"a b", 1}, {:"é", 2}], &Enum.map/2, [&Enum.map/2], 'it\'s', "it's", 'a"b', "a'b", '\#{', ~S(#{x}), "#", '#', '#\#{',
     :application.which_applications(), :erlang.memory(), :code.get_path(), Process.info(self(), :message_queue_len), :init.get_arguments(),
     {:erlang, :apply, [l, 'abc', "abc"]}, [1, "two", :three, 4.0, {}, %{}, [], 'five'], [1, {2}], String.duplicate("é", 30), [String.duplicate("é", 30), :a]]
  end

  @version Version.parse!(System.version())
  @old @version.minor < 12
  @sigils @version.minor >= 15
  @other_lines @version.minor >= 20

  # Does this Elixir print the term as 1.18 does?
  def same?(t) when is_float(t), do: not @old or abs(t) < 1000 or abs(t) >= 1.0e16
  def same?(t) when is_atom(t), do: same?(to_string(t)) and (@sigils or t != :"a日本") and not (@old and t in [:"<|>", :"..//", :µ, :~~~, :^^^, :"aпривет"])
  def same?(t) when is_binary(t), do: @sigils or not String.valid?(t) or not (t =~ ~r/[\x{A0}\x{34F}]/u)
  def same?([_ | _] = t), do: (@sigils or not charlist?(t)) and same_items?(t)
  def same?(t) when is_tuple(t), do: Enum.all?(Tuple.to_list(t), &same?/1)
  def same?(%MapSet{}) when @old, do: false
  def same?(%{} = t) when map_size(t) > 32 and @other_lines, do: false
  def same?(%{} = t), do: Enum.all?(:maps.to_list(t), &same?/1)
  def same?(_), do: true

  defp same_items?([item | rest]), do: same?(item) and same_items?(rest)
  defp same_items?(rest), do: same?(rest)

  defp charlist?([c | rest]), do: is_integer(c) and c in 7..126 and charlist?(rest)
  defp charlist?(rest), do: rest == []

  # On one line where lines are broken otherwise.
  def put(file, group, t, width), do: same?(t) && write(file, group, t, if(@other_lines, do: 0, else: width))

  defp write(file, group, t, width) do
    expected = inspect(t, pretty: width > 0, width: if(width > 0, do: width, else: 80), limit: :infinity, printable_limit: :infinity)
    bin = :erlang.term_to_binary(t)
    :ok = :file.write(file, [<<byte_size(group)::32>>, group, <<?x, width::32, 1::32, byte_size(bin)::32>>, bin, <<byte_size(expected)::32>>, expected])
  end
end

[path, count, seed] = System.argv()
:rand.seed(:exsss, {String.to_integer(seed), 2, 3})
{:ok, file} = :file.open(path, [:write, :raw, :delayed_write])
for t <- Terms.chosen(), w <- [0, 1, 2, 10, 20, 39, 40, 79, 80, 120], do: Terms.put(file, "chosen", t, w)

for _ <- 1..String.to_integer(count) do
  Terms.put(file, "random", Terms.random(Terms.pick([1, 2, 3, 3, 4])), Terms.pick([0, 1, 5, 20, 40, 60, 80, 80, 80, 120]))
end

for e <- -330..300, m <- [1, 1.5, 123_456_789], do: Terms.put(file, "floats", m * :math.pow(10, e), 80)
:ok = :file.close(file)
