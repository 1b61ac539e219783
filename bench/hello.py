"""`python -m bench.hello PORT`: the least that FastAPI can answer, served as we serve."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI

from web.edge import server_options

app = FastAPI()


@app.get("/")
async def hello() -> dict[str, str]:
    return {"message": "Hello World"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), **server_options())
