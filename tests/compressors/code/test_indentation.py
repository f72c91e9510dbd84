from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom.compressors.code.base import Body
from headroom.compressors.code.indentation import bodies

RUST = """use std::fmt;

pub struct A {
    x: u8,
}

impl A {
    pub fn new(x: u8) -> Self {
        let a = A { x };
        a
    }

    fn two(
        &self,
    ) -> u8 {
        self.x
    }
}"""
TYPESCRIPT = """import x from "y";

export const load = async (id: string) => {
  if (id) {
    return id;
  }
  return "";
};

export class Store {
  private size = 1;

  constructor(readonly root: string) {
    this.size = 2;
  }

  get count() {
    return this.size;
  }
}"""
GO = """package main

type T struct {
\tn int
}

func (t *T) Add(n int) int {
\tt.n += n

\treturn t.n
}"""
C = """#include <stdio.h>
static int add(int a, int b) {
    if (a) {
        return b;
    }
    return a + b;
}"""


ALLMAN = """#include <stdio.h>
static int add(int a,
               int b)
{
#ifdef X
    a++;
done:
#endif
    return a + b;
}

struct A
{
    int x;
};"""
CALLBACKS = """test("adds", () => {
  expect(1);
});

if (
  ready()
) {
  go();
}

call(one(), {
  a: 1,
});

  async load<T>(
    id: string,
  ): Promise<Map<string, T>> {
    return this.get(id);
  }"""
PYTHON = '''@cached
def f(
    a, b,
):
    """What."""
    return a

def g(a,
      b):
    return b

if x:
    def h(): pass
else:
    def h():
        return 1
'''


@pytest.mark.parametrize(("text", "expected"), [
    (ALLMAN, [Body(4, 9)]), (CALLBACKS, [Body(1, 2), Body(17, 18)]), (PYTHON, [Body(5, 6), Body(9, 10), Body(15, 16)]),
    (RUST, [Body(8, 10), Body(15, 16)]), (TYPESCRIPT, [Body(3, 7), Body(13, 14), Body(17, 18)]), (GO, [Body(7, 10)]), (C, [Body(2, 6)]),
], ids=["Allman braces", "callbacks", "Python", "Rust", "TypeScript", "Go", "C"])
def test_bodies_stand_deeper_below_what_defines(text: str, expected: list[Body]) -> None:
    assert bodies(text.split("\n"), "") == expected


@pytest.mark.parametrize("text", ["", "a = 1\nb = 2", "class A {\n    int x;\n}", "if (x) {\n    y();\n}", "Some words.\n    Indented words."])
def test_where_nothing_is_defined_there_are_no_bodies(text: str) -> None:
    assert bodies(text.split("\n"), "") is None


def test_functions_that_are_most_of_a_file_are_opened() -> None:
    steps = "".join(f"    step({i});\n" for i in range(8))
    text = "".join(f"  it('does {i}', () => {{\n{steps}  }});\n" for i in range(3))
    assert bodies(f"describe('it', () => {{\n{text}}});\n".split("\n"), ".js") == [Body(2, 10), Body(12, 20), Body(22, 30)]


@given(st.lists(st.sampled_from(["def f():", "    x", "", "func a() {", "\ty", "}", "    def g():", "        z", "fn (", "(" * 50]), max_size=20))
def test_bodies_never_overlap(lines: list[str]) -> None:
    found = bodies(lines, "") or []
    assert all(0 < body.start < body.end <= len(lines) for body in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
