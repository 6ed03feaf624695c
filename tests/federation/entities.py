"""Who a server is, and a stranger in its place."""

import asyncio
from contextlib import asynccontextmanager


def entity(small, code):
    return small.running[code].config.entity_id


@asynccontextmanager
async def in_place_of(small, code, answers):
    """Serve other answers at a node's address: {path: body}."""

    async def answer(reader, writer):
        path = (await reader.readline()).decode().split(" ")[1]
        body = answers.get(path)
        head = "HTTP/1.1 404 None" if body is None else "HTTP/1.1 200 OK"
        text = body or ""
        writer.write(
            f"{head}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode()
        )
        await writer.drain()
        writer.close()

    await small.stop(code)
    server = await asyncio.start_server(answer, "127.0.0.1", small.keepers[code].config.port)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()
        await small.start(code)
