"""`python -m bench.hello PORT`: the least that FastAPI can answer, served as we serve."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI

from web.edge import server_options

app = FastAPI()


@app.get("/")
async def hello():  # as the framework's own first example has it
    return {"message": "Hello World"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), **server_options())
