"""Tests of the rules by which sources become models."""

import io
import json
import os
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout

import authz
import check
import cli
import layout
import overlay
import services
import strip

_MODELS = os.path.join(os.path.dirname(__file__), "..", "..", "models")


def _botocore_model():
    return {
        "metadata": {"apiVersion": "2020-01-01", "uid": "thing-2020", "protocol": "json"},
        "operations": {
            "PutThing": {
                "name": "PutThing",
                "http": {"method": "POST", "requestUri": "/"},
                "input": {"shape": "PutThingRequest", "documentation": "<p>in</p>"},
                "errors": [{"shape": "Busy", "documentation": "no"}, {"shape": "Busy"}],
                "documentation": "<p>Puts.</p>",
                "deprecatedMessage": "Use another.",
                "deprecated": True,
            },
            "GetThing": {
                "name": "GetThing",
                "http": {"method": "GET", "requestUri": "/thing"},
                "output": {"shape": "Orphan"},
            },
        },
        "shapes": {
            "PutThingRequest": {
                "type": "structure",
                "required": ["zeta"],
                "members": {
                    "zeta": {"shape": "Text", "documentation": "z", "idempotencyToken": True},
                    "alpha": {"shape": "Texts", "contextParam": {"name": "A"}},
                },
                "documentation": "<p>Shape.</p>",
            },
            "Texts": {"type": "list", "member": {"shape": "Text", "documentation": "t"}},
            "Text": {"type": "string", "min": 0, "sensitive": True, "deprecatedMessage": "x"},
            "Busy": {"type": "structure", "members": {}, "exception": True},
            "Unlisted": {"type": "structure", "members": {}, "exception": True},
            "Orphan": {"type": "structure", "members": {}},
        },
        "examples": {},
    }


class Strip(unittest.TestCase):
    """Stripping a botocore model."""

    def test_no_prose_survives(self):
        text = json.dumps(strip.strip_model(_botocore_model()))
        for word in ("documentation", "deprecatedMessage", "contextParam", "uid", "examples"):
            self.assertNotIn(word, text)

    def test_errors_become_names_once(self):
        model = strip.strip_model(_botocore_model())
        self.assertEqual(model["operations"]["PutThing"]["errors"], ["Busy"])
        self.assertIs(model["operations"]["PutThing"]["deprecated"], True)

    def test_members_keep_their_order_and_traits(self):
        members = strip.strip_model(_botocore_model())["shapes"]["PutThingRequest"]["members"]
        self.assertEqual(list(members), ["zeta", "alpha"])
        self.assertEqual(members["zeta"], {"shape": "Text", "idempotencyToken": True})

    def test_zero_bounds_and_flags_are_facts(self):
        text = strip.strip_model(_botocore_model())["shapes"]["Text"]
        self.assertEqual(text, {"type": "string", "min": 0, "sensitive": True})

    def test_outside_operations_keep_their_binding_alone(self):
        model = strip.strip_model(_botocore_model(), lambda name: name == "PutThing")
        self.assertEqual(
            model["operations"]["GetThing"],
            {"http": {"method": "GET", "requestUri": "/thing"}, "part": "outside"},
        )
        self.assertNotIn("Orphan", model["shapes"])
        self.assertIn("Unlisted", model["shapes"])

    def test_vpc_part_of_ec2(self):
        for name in ("CreateVpc", "DescribeSubnets", "CreateRoute", "CreateTags"):
            self.assertTrue(services.ec2_operation_is_vpc(name), name)
        for name in ("RunInstances", "CreateTransitGatewayRoute", "DescribeIpamPools"):
            self.assertFalse(services.ec2_operation_is_vpc(name), name)


class Layout(unittest.TestCase):
    """The text of the files."""

    def test_one_line_per_entry_and_stable(self):
        document = {"prefix": "x", "shapes": {"A": {"type": "string"}, "B": {"type": "long"}}}
        text = layout.render(document)
        self.assertIn('\n"A":{"type":"string"},\n"B":{"type":"long"}\n', text)
        self.assertEqual(json.loads(text), document)
        self.assertEqual(layout.render(json.loads(text)), text)


class Overlay(unittest.TestCase):
    """Merging corrections."""

    def test_objects_merge_and_the_rest_is_replaced(self):
        base = {"enum": ["a", "b"], "members": {"x": {"shape": "S"}}}
        patch = {"enum": ["b", "a"], "members": {"x": {"queryName": "X"}, "y": {"shape": "T"}}}
        self.assertEqual(
            overlay.merged(base, patch),
            {
                "enum": ["b", "a"],
                "members": {"x": {"shape": "S", "queryName": "X"}, "y": {"shape": "T"}},
            },
        )
        self.assertEqual(base["enum"], ["a", "b"])


class Check(unittest.TestCase):
    """Finding faults."""

    def _faults(self, change):
        model = strip.strip_model(_botocore_model())
        change(model)
        return list(check.model_faults(model))

    def test_whole_model_passes(self):
        self.assertEqual(self._faults(lambda model: None), [])

    def test_unknown_shape_is_found(self):
        faults = self._faults(lambda model: model["shapes"].pop("Text"))
        self.assertIn("shape Texts: unknown shape Text", faults)

    def test_missing_binding_is_found(self):
        faults = self._faults(lambda model: model["operations"]["PutThing"].pop("http"))
        self.assertEqual(faults, ["operation PutThing: no HTTP method or path"])

    def test_overlay_needs_reason_target_and_effect(self):
        model = strip.strip_model(_botocore_model())
        patch = {
            "operations": {"Nope": {"reason": "r", "set": {"http": {}}}},
            "shapes": {"Text": {"reason": "r", "set": {"min": 0}}, "Texts": {"set": {}}},
        }
        self.assertEqual(
            sorted(check.overlay_faults(model, patch)),
            [
                "overlay Nope: no such operation",
                "overlay Text: changes nothing",
                "overlay Texts: needs a reason and a set, nothing else",
            ],
        )

    def test_checked_in_models_pass(self):
        self.assertEqual(list(check.faults(_MODELS)), [])


class Authz(unittest.TestCase):
    """Actions and what operations need of them."""

    def test_action_keeps_facts_only(self):
        privilege = {
            "description": "prose",
            "access_level": "Write",
            "resource_types": {
                "": {"condition_keys": ["x:B", "x:A"], "dependent_actions": []},
                "thing": {"required": True, "condition_keys": [], "dependent_actions": ["iam:P"]},
            },
        }
        definition = {
            "prefix": "x",
            "privileges": {"Put": privilege},
            "resources": {"thing": {"arn": "arn:x", "condition_keys": []}},
            "conditions": {"x:A": {"description": "prose", "type": "String"}},
        }
        self.assertEqual(
            authz.strip_service(definition),
            {
                "prefix": "x",
                "actions": {
                    "Put": {
                        "access": "Write",
                        "resources": {"thing": {"required": True, "dependentActions": ["iam:P"]}},
                        "conditionKeys": ["x:A", "x:B"],
                    }
                },
                "resources": {"thing": {"arn": "arn:x"}},
                "conditionKeys": {"x:A": "String"},
            },
        )

    def test_what_operations_need(self):
        post = {"http": {"method": "POST", "requestUri": "/"}}
        unsigned = {**post, "authtype": "none"}
        actions = {
            "sqs": {"SendMessage": {}, "CreateQueue": {}},
            "apigateway": {"POST": {}, "CreatePortal": {}},
            "states": {"StartExecution": {}},
        }
        cases = (
            ("sqs", "CreateQueue", post, ["sqs:CreateQueue"]),
            ("sqs", "SendMessageBatch", post, ["sqs:SendMessage"]),
            ("sqs", "Brandnew", post, None),
            ("apigatewayv2", "CreateApi", post, ["apigateway:POST"]),
            ("apigatewayv2", "CreatePortal", post, ["apigateway:CreatePortal"]),
            ("stepfunctions", "StartExecution", post, ["states:StartExecution"]),
            ("cognito-idp", "SignUp", unsigned, []),
            ("sts", "GetCallerIdentity", post, []),
            ("sts", "AssumeRoleWithSAML", unsigned, ["sts:AssumeRoleWithSAML"]),
        )
        for service, name, operation, expected in cases:
            mapped, unmapped = authz.map_operations(service, {name: operation}, actions)
            self.assertEqual(mapped.get(name), expected, name)
            self.assertEqual(unmapped, [] if expected is not None else [name])

    def test_unknown_actions_are_found_in_every_form(self):
        actions = {"s3": {"PutObject": {}}}
        mapped = {
            "A": ["s3:PutObject", "s3:Nope"],
            "B": {"always": ["s3:PutObject"], "byContent": ["none:Such"]},
        }
        self.assertEqual(authz.unknown_actions(mapped, actions), ["none:Such", "s3:Nope"])


class CommandLine(unittest.TestCase):
    """The exit status of a check."""

    def test_check_fails_on_a_broken_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "overlay"))
            os.makedirs(os.path.join(folder, "authz"))
            broken = {"metadata": {}, "operations": {"A": {}}, "shapes": {}}
            for service in services.SERVICES:
                layout.write(os.path.join(folder, f"{service}.json"), broken)
                layout.write(os.path.join(folder, "overlay", f"{service}.json"), {})
            for name in (*services.IAM_PREFIXES, "operations"):
                layout.write(os.path.join(folder, "authz", f"{name}.json"), {"actions": {}})
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as errors:
                status = cli.main(["--check", "--models", folder])
        self.assertEqual(status, 1)
        self.assertIn("sqs: operation A: no HTTP method or path", errors.getvalue())


if __name__ == "__main__":
    unittest.main()
