"""What is kept of calls, in words."""

from ostiary.core.capturing import Capture, Half


def test_what_is_kept_is_said_with_its_class() -> None:
    assert Capture("legal").said == "arguments and result in the class legal"
    assert Capture("brief", frozenset({Half.RESULT})).said == "result in the class brief"
