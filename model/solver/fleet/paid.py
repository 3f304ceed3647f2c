"""What a group of chips costs: in what is minimised, in dollars, in watts."""

from steptime.model.solver.fleet.columns import Column
from steptime.model.solver.fleet.demand import HOUR, Demand, Goal


class Paid:
    """Prices of groups for one demand."""

    def __init__(self, demand: Demand) -> None:
        self.demand = demand

    def price(self, column: Column, rented: bool = False) -> float:
        """What a group adds to what is minimised: dollars an hour, watts, or chips; nothing where tokens are most."""
        by_goal = {Goal.CHIPS: float(column.chips), Goal.POWER: self.watts(column), Goal.TOKENS: 0.0}
        return by_goal[self.demand.goal] if self.demand.goal in by_goal else self.dollars(column, rented)

    def dollars(self, column: Column, rented: bool = False) -> float:
        """Dollars an hour of a group, with its energy where that is paid apart."""
        options = self.demand.options
        chips = sum(chips * ((options[one].rent if rented else options[one].price) or 0.0)
                    for one, chips in column.on.items())  # fmt: skip
        return HOUR * (chips + self.demand.energy_price * self.watts(column))

    def watts(self, column: Column) -> float:
        """Watts of a group; chips whose power is not known count as none."""
        return sum(chips * (self.demand.options[one].power or 0.0) for one, chips in column.on.items())
