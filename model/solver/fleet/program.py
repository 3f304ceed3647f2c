"""The program of a fleet: how many groups of each kind, and which requests each serves.

n_j groups of kind j are there all day, r_jh more are rented for period h. A class arrives at so many requests a second
in each period; f_kjh of them, over the class's largest rate, are served by groups of kind j. Each class is served
whole, in its own period or, where it can wait, in a later one; what is served in two parts, prompts here and answers
there, balances. Of each resource a group has one: sum_k f l w <= n + r, less the groups that may be lost.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, inf

from steptime.model.solver.fleet.columns import Column
from steptime.model.solver.fleet.demand import Demand, Goal, Role
from steptime.model.solver.fleet.paid import Paid
from steptime.model.solver.fleet.rows import Key, Rows

SERVED, ARRIVED, BALANCE, ROOM, USED = "served", "arrived", "balance", "room", "used"
OWNED, RENTED, IN_USE, FLOW, PUT_OFF, HANDED, SCALE = "owned", "rented", "in use", "flow", "put off", "handed", "scale"
MANY_GROUPS = 1_000_000
"""Groups of one kind, where nothing else limits them."""
TIGHT = 2e-6
"""Part of each group that the solver leaves free, so that its answer, whole to a millionth, holds exactly."""


class Program(Paid):
    """Variables by name, what each costs and how large it may be, rows that hold at most, and rows that are equal;
    rows that are ``linked`` hold at most too, of whole groups alone.

    ``handed``: bytes of cache that a request of each class hands over between prompt and answer.
    """

    def __init__(self, demand: Demand, columns: Sequence[Column], handed: Mapping[int, float]) -> None:
        super().__init__(demand)
        self.columns, self.handed = columns, handed
        self.places: dict[Key, int] = {}
        self.cost: list[float] = []
        self.upper: list[float] = []
        self.whole: list[bool] = []
        self.most, self.equal, self.linked = Rows(), Rows(), Rows()
        self.units = [max(one.rates) for one in demand.classes]
        self._groups()
        for number in range(len(demand.classes)):
            for period in range(demand.periods):
                self._served(number, period)
                self._handed(number, period)
        for place, column in enumerate(columns):
            for period in range(demand.periods):
                self._room(place, column, period)

    def variable(self, name: Key, cost: float = 0.0, upper: float = inf, whole: bool = False) -> int:
        self.places[name] = len(self.cost)
        self.cost.append(cost)
        self.upper.append(upper)
        self.whole.append(whole)
        return self.places[name]

    def put_groups(self, name: Key, place: int, period: int, value: float) -> None:
        """A coefficient of all groups of a kind that are there in a period."""
        for variable in ((OWNED, place), (RENTED, place, period)):
            if variable in self.places:
                self.most.put(name, self.places[variable], value)

    # --- groups ------------------------------------------------------------------------------------------------------
    def _groups(self) -> None:
        demand = self.demand
        for place, column in enumerate(self.columns):
            most = self.most_groups(column)
            owned = self.variable((OWNED, place), self.price(column), most, True)
            rents = all(demand.options[option].rent is not None for option in column.on)
            for period in range(demand.periods if rents else 0):
                self.variable((RENTED, place, period), self.price(column, True) / demand.periods, most, True)
            for period in range(demand.periods if rents else 1) if demand.caps.spare else ():
                used = (USED, place, period)
                self.most.add(used, 0.0)  # n + r <= all that there may be, where one is in use
                self.most.put(used, owned, 1.0)
                if rents:
                    self.most.put(used, self.places[RENTED, place, period], 1.0)
                self.most.put(used, self.variable((IN_USE, place, period), 0.0, 1.0, True), -(1.0 + rents) * most)
        if demand.goal == Goal.TOKENS:
            tokens = sum(one.rate * (one.new_tokens + one.output.mean) for one in demand.classes)
            self.variable((SCALE,), -tokens)

    def most_groups(self, column: Column) -> float:
        """Groups of which no fleet needs more."""
        demand, options = self.demand, self.demand.options
        stock = min(inf if (there := options[one].stock) is None else there // n for one, n in column.on.items())
        chips = inf if demand.caps.chips is None else demand.caps.chips // column.chips
        if demand.goal == Goal.TOKENS:
            return min(stock, chips, MANY_GROUPS)
        slowest = min((link.bandwidth for link in demand.links or () if link.bandwidth), default=inf)
        crossing = 0.0 if column.role == Role.TOGETHER else 1 / (slowest * column.layout.chips)
        peaks = sum(self.units[k] * (1 + demand.classes[k].wait) * max(column.busy(k), crossing * self.handed[k])
                    for k in column.serves)  # fmt: skip
        return min(stock, chips, ceil(peaks * (1 + 2 * TIGHT)) + demand.caps.spare)

    # --- what is served ----------------------------------------------------------------------------------------------
    def _served(self, number: int, period: int) -> None:
        """All requests of a period are served at some time; what is served now arrived now, or was put off."""
        one, unit, periods = self.demand.classes[number], self.units[number], self.demand.periods
        scaled = self.places.get((SCALE,))
        name = (SERVED, number, period)
        self.equal.add(name, one.rates[period] / unit if scaled is None else 0.0)
        if scaled is not None:
            self.equal.put(name, scaled, -one.rates[period] / unit)
        for later in range(min(one.wait, periods - 1) + 1 if one.wait else 0):
            there = (ARRIVED, number, (period + later) % periods)
            if there not in self.equal.places:
                self.equal.add(there, 0.0)
            variable = self.variable((PUT_OFF, number, period, later))
            self.equal.put(name, variable, 1.0)
            self.equal.put(there, variable, -1.0)

    def _handed(self, number: int, period: int) -> None:
        """What prompts leave is what answers take, from machine to machine that may talk to each other."""
        pairs = list(self._pairs(number))
        for option in {source for source, _ in pairs}:
            self.equal.add((BALANCE, Role.PREFILL, option, number, period), 0.0)
        for option in {target for _, target in pairs}:
            self.equal.add((BALANCE, Role.DECODE, option, number, period), 0.0)
        for source, target in pairs:
            variable = self.variable((HANDED, source, target, number, period))
            self.equal.put((BALANCE, Role.PREFILL, source, number, period), variable, -1.0)
            self.equal.put((BALANCE, Role.DECODE, target, number, period), variable, -1.0)

    def _pairs(self, number: int) -> Iterator[tuple[int, int]]:
        """Options of which the first may hand caches of a class over to the second."""
        there = {role: sorted({column.option for column in self.columns
                               if column.role.part == role and number in column.serves})
                 for role in (Role.PREFILL, Role.DECODE)}  # fmt: skip
        for source in there[Role.PREFILL]:
            for target in there[Role.DECODE]:
                if self.demand.may_talk(source, target):
                    yield source, target

    def _room(self, place: int, column: Column, period: int) -> None:
        """What requests take of a group's resources."""
        for resource in column.work:
            name = (ROOM, resource, place, period)
            self.most.add(name, 0.0)
            self.put_groups(name, place, period, TIGHT - 1)
            if self.demand.caps.spare:
                used = self.places.get((IN_USE, place, period), self.places[IN_USE, place, 0])
                self.most.put(name, used, float(self.demand.caps.spare))
        for number in sorted(column.serves):
            self._flow(place, column, number, period)

    def _flow(self, place: int, column: Column, number: int, period: int) -> None:
        """The requests of a class that one kind of group serves in a period, over the class's largest rate."""
        balance = (BALANCE, column.role.part, column.option, number, period)
        if column.role != Role.TOGETHER and balance not in self.equal.places:
            return  # nobody takes what it would leave
        variable = self.variable((FLOW, place, number, period))
        for resource, work in column.work.items():
            self.most.put((ROOM, resource, place, period), variable, self.units[number] * work[number])
        if column.role != Role.TOGETHER:
            self.equal.put(balance, variable, 1.0)
        self._link(variable, place, number, period)
        if column.role == Role.PREFILL:
            return
        served = ARRIVED if self.demand.classes[number].wait else SERVED
        self.equal.put((served, number, period), variable, 1.0)

    def _link(self, flow: int, place: int, number: int, period: int) -> None:
        """Of a class that one group has more than room for no larger share is served than there are groups: true of
        whole groups, and much tighter than their room where groups come in parts."""
        one, column = self.demand.classes[number], self.columns[place]
        if one.wait or one.rates[period] * column.busy(number) >= 1 or self.demand.goal == Goal.TOKENS:
            return
        name = (number, place, period)
        self.linked.add(name, 0.0)
        self.linked.put(name, flow, 1.0)
        share = -one.rates[period] / self.units[number]
        for variable in ((OWNED, place), (RENTED, place, period)):
            if variable in self.places:
                self.linked.put(name, self.places[variable], share)
