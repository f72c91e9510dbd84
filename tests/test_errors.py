from __future__ import annotations

import pytest

from headroom import errors


@pytest.mark.parametrize(("kind", "status", "family"), [
    (errors.BadRequest, 400, errors.ClientError),
    (errors.Unauthorized, 401, errors.ClientError),
    (errors.Forbidden, 403, errors.ClientError),
    (errors.NotFound, 404, errors.ClientError),
    (errors.MethodNotAllowed, 405, errors.ClientError),
    (errors.TooLarge, 413, errors.ClientError),
    (errors.UpgradeRefused, 426, errors.ClientError),
    (errors.TooMany, 429, errors.ClientError),
    (errors.Busy, 503, errors.HeadroomError),
    (errors.Unreachable, 502, errors.UpstreamError),
    (errors.Stale, 502, errors.UpstreamError),
    (errors.Garbled, 502, errors.UpstreamError),
    (errors.TimedOut, 504, errors.UpstreamError),
    (errors.SettingsError, 500, errors.OurError),
    (errors.StoreError, 500, errors.OurError),
])
def test_each_error_says_whose_fault_it_is(kind: type[errors.HeadroomError], status: int, family: type) -> None:
    error = kind("words", retry_after=3)
    assert (error.status, error.message, error.retry_after, str(error)) == (status, "words", 3, "words")
    assert isinstance(error, family)
