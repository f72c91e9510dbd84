"""Tests of which some fail: their reports are part of the corpus."""

# ruff: noqa: PT009  # how unittest itself reports a failed comparison is what is recorded
from __future__ import annotations

import unittest
from decimal import Decimal

PRICES = {"teapot": Decimal("24.90"), "cup": Decimal("6.50"), "kettle": Decimal("61.00")}


def total(basket: dict[str, int], discount: str = "0") -> Decimal:
    return sum((PRICES[name] * count for name, count in basket.items()), Decimal(0)) * (1 - Decimal(discount))


class Baskets(unittest.TestCase):
    def test_empty(self) -> None:
        self.assertEqual(total({}), 0)

    def test_one(self) -> None:
        self.assertEqual(total({"cup": 1}), Decimal("6.50"))

    def test_discount_is_rounded(self) -> None:
        """Discounts are rounded to whole cents."""
        self.assertEqual(str(total({"teapot": 3, "cup": 2}, "0.15")), "74.55")

    def test_unknown_item(self) -> None:
        self.assertEqual(total({"samovar": 1}), 0)

    def test_lines(self) -> None:
        got = [f"{name:10} {price}" for name, price in PRICES.items()]
        self.assertListEqual(got, ["teapot     24.90", "cup        6.5", "kettle     61.00"])

    @unittest.skip("needs the price service")
    def test_live_prices(self) -> None:
        self.fail()


def each_count(count: int) -> unittest.TestCase:
    def check() -> None:
        assert total({"cup": count}) == Decimal("6.5") * count, f"{count} cups"
        assert count % 7 != 6, f"the carton holds six and {count} leaves one over"

    return unittest.FunctionTestCase(check, description=f"cups[{count}]")


def load_tests(loader: unittest.TestLoader, tests: unittest.TestSuite, pattern: str | None) -> unittest.TestSuite:
    tests.addTests(each_count(count) for count in range(60))
    return tests


if __name__ == "__main__":
    unittest.main()
