import pytest

from tests.infra.mocks import Deployment
from tests.infra.stack import deployed


@pytest.fixture(scope="session")
def food(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Return what the program registers of the food delivery system, without configuration."""
    return deployed(tmp_path_factory.mktemp("zips"))
