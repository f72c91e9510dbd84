"""What models cost and how much they take: a dated table, found by any of a model's names."""

from headroom.prices.model import WINDOW, Model, Rates
from headroom.prices.table import Prices, filled, load

__all__ = ["WINDOW", "Model", "Prices", "Rates", "filled", "load"]
