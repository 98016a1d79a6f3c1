"""`voice-cloning doctor --azure`: the services of Azure that the settings name, tried out."""
