"""How a source's server is asked, and where its service is looked for when names move.

Facts of the publisher, never a secret: a token is named by the environment variable that holds it.
"""

from typing import Annotated, Literal, Self

from pydantic import StringConstraints, model_validator

from utilities.spec_readings import Closed, misfit

Address = Annotated[str, StringConstraints(max_length=500)]
Line = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\r\n]*$")]


class Access(Closed):
    """What a host wants to see in each request."""

    referer: Line = ""
    user_agent: Line = ""
    token_env: Annotated[str, StringConstraints(pattern="^[A-Z][A-Z0-9_]{2,60}$")] | None = None

    def headers(self) -> dict[str, str]:
        """As HTTP names them."""
        given = {"Referer": self.referer, "User-Agent": self.user_agent}
        return {name: value for name, value in given.items() if value}


class Discovery(Closed):
    """Where a service is looked for: the newest whose fields fit is read, the entry's address at last.

    `static`: nowhere, the address holds. `services`: in the catalogue at `directory`
    (`https://…/rest/services`, or a folder of it). `owner`: among the items of `owner`, at the portal
    `directory` (`https://…/sharing/rest`). `quarterly`: by the names of past quarters, where nothing lists
    them. `like` is the service's name with `*` where it moves; `layer_like` finds the layer by its name
    where its number moves too.
    """

    strategy: Literal["static", "services", "owner", "quarterly"] = "static"
    directory: Address = ""
    owner: Annotated[str, StringConstraints(max_length=120, pattern=r"^[\w.@-]*$")] = ""
    like: Annotated[str, StringConstraints(max_length=200, pattern=r"^[\w.*-]*$")] = ""
    layer_like: Annotated[str, StringConstraints(max_length=200)] = ""

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if self.strategy == "static":
            return self
        if "*" not in self.like:
            raise misfit("needs the service's name, with * where it moves", "like")
        if self.strategy == "owner" and not self.owner:
            raise misfit("'owner' needs the owner's account", "owner")
        if self.strategy in {"services", "owner"} and not self.directory.startswith(("https://", "http://")):
            raise misfit(f"'{self.strategy}' needs the address that is asked", "directory")
        return self
