"""Services of Azure on loopback, by their written contracts. They keep all in memory."""
