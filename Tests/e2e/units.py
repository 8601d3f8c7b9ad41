"""Sizes as DynamoDB counts them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""


def item_size(item):
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value):
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return -(-len(content.lstrip("-").strip("0")) // 2) + 1
    if kind == "SS":
        return 3 + sum(len(member.encode()) + 1 for member in content)
    raise ValueError(f"no size is known for {kind}")
