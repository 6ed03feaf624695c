"""A refusal code means one thing: it is stated in one class, which others may only refine."""

import importlib
import pkgutil
from collections import Counter

import federation
from federation.edge.http import STATUS
from federation.errors import RefusalError

# They speak to servers over HTTP and share no class with them.
CLIENTS = {"cli", "conformance", "demo", "desk", "gate", "practice", "publisher", "settlementdesk"}
CLIENTS |= {"scenario", "site"}
# What a client refuses by a server's code, because it is the same fault found earlier.
FOUND_EARLIER = {"BAD_ITEM", "INVARIANT"}


def refusals():
    for module in pkgutil.walk_packages(federation.__path__, "federation."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = [RefusalError]
    for cls in found:
        found += [each for each in cls.__subclasses__() if each not in found]
    return [cls for cls in found if cls.__module__.startswith("federation.")]


def stated(classes):
    """Count the classes that state a code of their own; one without inherits what it refines."""
    return Counter(cls.code for cls in classes if "code" in vars(cls))


def test_a_code_is_stated_by_one_class():
    rooms = {cls: cls.__module__.split(".")[1] for cls in refusals()}
    servers = stated(cls for cls, room in rooms.items() if room not in CLIENTS)
    clients = stated(cls for cls, room in rooms.items() if room in CLIENTS)

    assert [code for code, classes in servers.items() if classes > 1] == []
    assert {code for code, classes in clients.items() if classes > 1} == {"REFUSED"}
    assert servers.keys() & clients.keys() == {*FOUND_EARLIER, "REFUSED"}


def test_a_code_that_two_classes_state_is_found():
    class OneError(RefusalError):
        """One thing."""

        code = "SAME"

    class RefinedError(OneError):
        """One thing, of a kind."""

    class OtherError(RefusalError):
        """Another thing."""

        code = "SAME"

    assert stated([OneError, RefinedError]) == {"SAME": 1}
    assert stated([OneError, RefinedError, OtherError]) == {"SAME": 2}


def test_a_refusal_says_in_one_line_what_was_refused():
    lines = {cls: (cls.__doc__ or "").strip().splitlines() for cls in refusals()}

    assert [cls.__name__ for cls, text in lines.items() if not text] == []
    assert [cls.__name__ for cls, text in lines.items() if not text[0].endswith(".")] == []


def test_a_status_is_that_of_a_code_that_a_server_states():
    codes = stated(cls for cls in refusals() if cls.__module__.split(".")[1] not in CLIENTS)

    assert sorted(STATUS.keys() - codes.keys()) == []
