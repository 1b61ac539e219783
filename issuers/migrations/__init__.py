"""The issuing service's schema, revision by revision."""
