import pytest

from flagcore import errors


@pytest.mark.parametrize("abstract", [errors.FlagcoreError, errors.SourceError])
def test_the_roots_cannot_be_raised(abstract: type[errors.FlagcoreError]) -> None:
    """Whoever raises one has not said whose fault it is."""
    with pytest.raises(TypeError, match="abstract"):
        abstract("something")


def test_the_tree_is_as_it_is_drawn() -> None:
    """Callers catch by these."""
    drawn = {
        errors.ConfigError: (errors.FlagcoreError, ValueError),
        errors.StateError: (errors.FlagcoreError, RuntimeError),
        errors.SourceUnavailable: (errors.SourceError,),
        errors.EventTooLarge: (errors.SourceUnavailable,),
        errors.SourceDenied: (errors.SourceError,),
        errors.MalformedDocument: (errors.SourceError, ValueError),
        errors.CacheError: (errors.FlagcoreError,),
    }
    for error, parents in drawn.items():
        assert issubclass(error, parents)
        for parent in parents:
            assert issubclass(error, parent)


def test_errors_carry_what_a_caller_needs() -> None:
    """How long to wait, which status, and where."""
    assert errors.SourceUnavailable("x", retry_after=3.0).retry_after == 3.0
    assert errors.SourceDenied("x", status=401).status == 401
    malformed = errors.MalformedDocument("expected a value", where="$.flags.a")
    assert (malformed.where, str(malformed)) == ("$.flags.a", "$.flags.a: expected a value")
