"""The database port over Azure Cosmos DB for NoSQL, by its REST interface.

Documents: docs/cosmos.md says what holds here and what does not.
"""
