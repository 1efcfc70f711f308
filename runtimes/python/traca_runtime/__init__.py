"""The function's side of the Lambda Runtime API. A package of its own, so that its modules hide none of the user's."""
