"""The inspector's app: an installable page that judges offline, in the browser of an enrolled device.

`src/` judges and is pure, `app/` reads the clock, the store and the network; here is only what serves them.
"""
