"""A server whose tools link to what no list has, with an interface, a template, a prompt and completion."""

from typing import Any

from tests.e2e.doubles.upstream import Asked, Exchange, Session, Upstream, tool

Json = dict[str, Any]

FORM = "ui://{name}/form"


class Linking(Upstream):
    """The double, called `name`: whatever is read there says so, and its lists are fresh for `ttl` milliseconds."""

    def __init__(self, name: str, *eras: str, ttl: int = 0) -> None:
        super().__init__(eras or ("modern", "handshake"))
        self.name, self.ttl = name, ttl
        shown = {**tool("show", key="string"), "_meta": {"ui": {"resourceUri": self.form}}}
        self.tools = [tool("find", uri="string"), tool("fill", uri="string"), shown]
        self.templates: list[Json] = [{"uriTemplate": f"{name}://{{id}}", "name": "own"}]
        self.prompts: list[Json] = [{"name": "greet", "arguments": [{"name": "who"}]}]

    @property
    def form(self) -> str:
        """The interface of the tool `show`."""
        return FORM.format(name=self.name)

    def _capabilities(self) -> Json:
        every = {"listChanged": True}
        return {"tools": every, "resources": every, "prompts": every, "completions": {}}

    def _result(self, asked: Asked, session: Session | None) -> Json | None:
        found = super()._result(asked, session)
        match asked.method:
            case "resources/templates/list":
                found = {"resourceTemplates": self.templates}
            case "resources/read":
                found = {"contents": [{"uri": asked.params["uri"], "text": f"{self.name} {asked.params['uri']}"}]}
            case "prompts/list":
                found = {"prompts": self.prompts}
            case "completion/complete":
                ref = asked.params["ref"]
                found = {"completion": {"values": [f"{self.name} {ref.get('name', ref.get('uri'))}"]}}
        if found is None or asked.era != "modern":
            return found
        return {**found, "resultType": "complete", "ttlMs": self.ttl, "cacheScope": "public"}

    async def _call(self, ident: Any, asked: Asked, session: Session | None, exchange: Exchange) -> None:
        uri = asked.params["arguments"].get("uri", "")
        linked: Json = {"type": "resource_link", "uri": uri, "name": "linked"}
        embedded = {"type": "resource", "resource": {"uri": uri, "text": "short"}}
        result: Json = {"content": [embedded if asked.params["name"] == "fill" else linked]}
        await exchange.result(ident, result | ({"resultType": "complete"} if asked.era == "modern" else {}))
