"""The backup programs against a real Synapse, a real Postgres and a real restic."""

import pytest
from world import Office


@pytest.fixture(scope="module")
def office():
    with Office() as entered:
        yield entered


@pytest.fixture(scope="module")
def company(office):
    return office.company


@pytest.fixture(scope="module")
def programs(office):
    return office.programs


@pytest.fixture
def repository(office):
    """An empty one, for the test alone."""
    return office.repository()


@pytest.fixture(scope="module")
def filled(office):
    """A repository with one good set, "good"; whoever harms it takes a copy."""
    repository = office.repository()
    office.programs.run("make_set", office.company.making(repository, "good"))
    return repository
