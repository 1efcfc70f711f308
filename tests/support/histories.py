"""Checks of what concurrent clients have seen: single registers, and transactions on lists.

A history is a list of operations with the times at which they were called and answered. An operation without an answer
(the platform was killed meanwhile) may have had its effect at any time since it was called, or never.
"""

import math
from dataclasses import dataclass, field

NEVER = math.inf


@dataclass
class Operation:
    """One operation on a register: `read` of a value, `write` of one, or `swap` of (expected, new)."""

    kind: str
    value: object
    called: float
    answered: float = NEVER
    # Whether a swap found what it expected; of no meaning for others.
    done: bool = True


def linearizable(operations, initial=None):
    """Whether the operations on one register have an order, each between its call and its answer, in which every read
    sees the last write (Wing and Gong's search, with the memory of Lowe)."""
    operations = sorted(operations, key=lambda operation: operation.called)
    # A read that was never answered tells nothing.
    operations = [one for one in operations if not (one.kind == "read" and one.answered == NEVER)]
    answered = {number for number, one in enumerate(operations) if one.answered < NEVER}
    stack, seen = [(frozenset(), initial)], set()
    while stack:
        state = stack.pop()
        if state in seen:
            continue
        seen.add(state)
        taken, value = state
        if answered <= taken:
            return True
        open_ = [number for number in range(len(operations)) if number not in taken]
        # Whatever comes next was called before any other that is left was answered.
        end = min(operations[number].answered for number in open_)
        for number in open_:
            one = operations[number]
            if one.called > end:
                break
            for after in _steps(one, value):
                stack.append((taken | {number}, after))
    return False


def _steps(one, value):
    """The values that a register may have after an operation; none if it cannot come here."""
    if one.kind == "read":
        return [value] if value == one.value else []
    if one.kind == "write":
        return [one.value]
    expected, new = one.value
    if one.answered == NEVER:
        return [new if value == expected else value]
    if one.done:
        return [new] if value == expected else []
    return [value] if value != expected else []


@dataclass
class Transaction:
    """A transaction: what it appended to which lists, and which lists it read."""

    name: str
    called: float
    answered: float = NEVER
    appends: dict = field(default_factory=dict)
    reads: dict = field(default_factory=dict)


def anomalies(transactions, final):
    """What is wrong with a history of transactions that append to lists and read them: lost or invented values, reads
    that no order explains, and cycles (Elle's list-append; strict serializability)."""
    found, writer = [], {}
    for one in transactions:
        for key, value in one.appends.items():
            writer[key, value] = one
    for key, values in final.items():
        if len(set(values)) != len(values):
            found.append(f"{key} has a value twice: {values}")
        found += [f"{key} has a value nobody wrote: {value}" for value in values if (key, value) not in writer]
    for one in transactions:
        if one.answered < NEVER:
            lost = [key for key, value in one.appends.items() if value not in final.get(key, [])]
            found += [f"an acknowledged append of {one.name} to {key} is lost" for key in lost]
        for key, values in one.reads.items():
            if list(values) != list(final.get(key, []))[: len(values)]:
                found.append(f"{one.name} has read {values} of {key}, which was {final.get(key)}")
    # Of a transaction that was not answered, either everything has happened or nothing.
    happened = []
    for one in transactions:
        there = [value in final.get(key, []) for key, value in one.appends.items()]
        if any(there) and not all(there):
            found.append(f"only a part of {one.name} has happened")
        if one.answered < NEVER or any(there):
            happened.append(one)
    if not found:
        found += [f"a cycle: {' -> '.join(cycle)}" for cycle in _cycles(_edges(happened, final, writer))]
    return found


def _edges(transactions, final, writer):
    """Which transaction comes before which others."""
    after = {one.name: set() for one in transactions}

    def order(first, then):
        if first is not None and then is not None and first.name != then.name:
            after[first.name].add(then.name)

    for key, values in final.items():
        writers = [writer[key, value] for value in values]
        for first, then in zip(writers, writers[1:]):
            order(first, then)
    for one in transactions:
        for key, values in one.reads.items():
            values, all_ = list(values), final.get(key, [])
            if values:
                order(writer[key, values[-1]], one)
            if len(values) < len(all_):
                order(one, writer[key, all_[len(values)]])
    # What was answered before another was called comes before it.
    by_call = sorted(transactions, key=lambda one: one.called)
    for one in transactions:
        if one.answered < NEVER:
            for later in by_call:
                if later.called > one.answered:
                    order(one, later)
    return after


def _cycles(after):
    """One cycle, if there is any."""
    state, path = {}, []
    for start in after:
        stack = [(start, iter(after[start]))] if start not in state else []
        if stack:
            state[start], path = "open", [start]
        while stack:
            node, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[node] = "closed"
                stack.pop()
                path.pop()
            elif following not in state:
                state[following] = "open"
                path.append(following)
                stack.append((following, iter(after[following])))
            elif state[following] == "open":
                return [path[path.index(following) :] + [following]]
    return []
