from generations_fixtures import imported_once, k

__all__ = ["imported_once", "k"]  # fixtures
