from generations_fixtures import imported_once, k, without_values

__all__ = ["imported_once", "k", "without_values"]  # fixtures
