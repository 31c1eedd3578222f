"""What is known of a provider that publishes no contract, as somebody with an account wrote it.

In paths and fields, `{reference}` `{amount}` `{amount_minor}` `{local}` `{msisdn}` `{network}`
`{plan}` `{account}` `{variant}` `{quantity}` and `{provider_reference}` stand for the order's own.
A field that is nothing but `{amount}`, `{amount_minor}`, `{quantity}`, `{network}` or `{plan}`
keeps its type; any other is text. Paths into an answer are names with dots between: `data.status`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from core.domain.vending import Product, Result
from core.kit.errors import Problem
from core.kit.expected import in_words, shaped
from core.providers.values import BaseUrl, Credential, TimeoutS

_PLACEHOLDERS = frozenset(
    {
        "reference", "amount", "amount_minor", "local", "msisdn", "network", "plan", "account",
        "variant", "quantity", "provider_reference",
    }
)  # fmt: skip
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_ANSWER_PATH = shaped(
    r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){0,5}$",
    "should be names with dots between, like data.status",
)
_FIELD = shaped(r"^[A-Za-z0-9_-]*$", "should be the name of a header or field, like X-Api-Key")
_PATH = shaped(r"^/[^\s?#]*$", "should be a path, like /v1/airtime")
_NAME = shaped(r"^[a-z][a-z0-9_]{1,30}$", "should be a name in small letters, like vtpass")
_CURRENCY = shaped(r"^[A-Z]{3}$", "should be a currency in three capital letters, like NGN")

AnswerPath = Annotated[str, Field(pattern=_ANSWER_PATH)]
FieldValue = bool | int | float | str


class BadConfiguration(Problem):
    """The fact `wrong` has a line for each thing that is wrong, none of which quotes a value."""

    code = "provider.bad_configuration"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Auth(_Part):
    """How requests prove who sends them. `name` is the header or the field of the query."""

    kind: Literal["none", "bearer", "token", "basic", "header", "query"]
    secret: Credential = SecretStr("")
    user: Credential = SecretStr("")
    name: str = Field("", pattern=_FIELD)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind != "none" and not self.secret.get_secret_value():
            raise ValueError(f"auth {self.kind!r} needs a secret")
        if self.kind in {"header", "query"} and not self.name:
            raise ValueError(f"auth {self.kind!r} needs the name to send it under")
        if self.kind == "basic" and not self.user.get_secret_value():
            raise ValueError("auth 'basic' needs a user")
        return self


class Request(_Part):
    """One request: where it goes and what it carries."""

    method: Literal["GET", "POST"] = "POST"
    path: str = Field(pattern=_PATH)
    send_as: Literal["json", "form", "query"] = "json"
    fields: Mapping[str, FieldValue] = {}

    @model_validator(mode="after")
    def _known_words(self) -> Self:
        if unheard_of := self.mentions() - _PLACEHOLDERS:
            raise ValueError(f"knows no {{{min(unheard_of)}}}; there are {sorted(_PLACEHOLDERS)}")
        if self.method == "GET" and self.send_as != "query":
            raise ValueError("a GET sends its fields as query")
        return self

    def mentions(self) -> set[str]:
        texts = [self.path, *(text for text in self.fields.values() if isinstance(text, str))]
        return {name for text in texts for name in PLACEHOLDER.findall(text)}


class Answer(_Part):
    """How to read an answer.

    Attributes:
        status: Where the word stands that `meanings` explains; it is compared in small letters,
            a truth as `true` or `false`.
        http_statuses: Those whose body may be believed; any other answer is UNKNOWN.
        reference: Where our own reference is repeated; an answer with another one is UNKNOWN.
        float_low: A text in `message` that says that a refusal is for want of our money.
        evidence: Where objects, lists or sentences with tokens or PINs are.
    """

    status: AnswerPath
    meanings: Mapping[str, Result]
    http_statuses: frozenset[int] = frozenset({200, 201})
    message: AnswerPath = "message"
    float_low: str = "insufficient"
    reference: AnswerPath | None = None
    provider_reference: AnswerPath | None = None
    cost: AnswerPath | None = None
    evidence: tuple[AnswerPath, ...] = ()

    @model_validator(mode="after")
    def _believable(self) -> Self:
        if Result.DELIVERED not in self.meanings.values():
            raise ValueError("meanings: no word means delivered")
        if any(text != text.strip().lower() for text in self.meanings):
            raise ValueError("meanings: words are written in small letters, without space around")
        if not self.http_statuses <= {*range(200, 300), *range(400, 500)}:
            raise ValueError("http_statuses: only 2xx and 4xx may be believed")
        return self


class Balance(_Part):
    """Where our money there is told, in major units."""

    path: str = Field(pattern=_PATH)
    amount: AnswerPath


class Configuration(_Part):
    """All that is known of one provider.

    Attributes:
        networks: Our names of networks and billers in its words; empty sends ours.
        plans_by_amount: The plan of each amount in major units, where airtime is sold in steps.
        orders: The request that buys each product.
        requery: The request that asks about an order, by our reference or by theirs.
        failover_target: Only where it can be asked by our reference.
    """

    name: str = Field(pattern=_NAME)
    base_url: BaseUrl
    currency: str = Field("NGN", pattern=_CURRENCY)
    timeout_s: TimeoutS = 60.0
    auth: Auth
    networks: Mapping[str, int | str] = {}
    plans_by_amount: Mapping[int, int | str] = {}
    orders: Mapping[Product, Request] = Field(min_length=1)
    answer: Answer
    requery: Request | None = None
    requery_answer: Answer | None = None
    balance: Balance | None = None
    enforces_unique: bool = False
    failover_target: bool = False
    processing_max_s: float = Field(300.0, ge=0, le=86_400)

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if Result.NOT_FOUND in self.answer.meanings.values():
            raise ValueError("answer: only a requery can say not_found")
        if self.requery_answer and not self.requery:
            raise ValueError("requery_answer: there is no requery")
        if self.requery and not self.requery.mentions() & {"reference", "provider_reference"}:
            raise ValueError("requery: names no order, neither by our reference nor by theirs")
        if self.failover_target and not self.requery_by_reference:
            raise ValueError(
                "failover_target: only a provider that can be asked by our reference may be one"
            )
        return self

    @property
    def client_reference(self) -> bool:
        return all("reference" in request.mentions() for request in self.orders.values())

    @property
    def requery_by_reference(self) -> bool:
        asks = self.requery is not None and "reference" in self.requery.mentions()
        return asks and self.client_reference


def configuration(document: Mapping[str, object]) -> Configuration:
    """Read a configuration.

    Raises:
        BadConfiguration: something in it is missing, unknown or unsafe.
    """
    try:
        return Configuration.model_validate(document)
    except ValidationError as error:
        raise BadConfiguration(wrong=tuple(_lines(error))) from None


def _lines(error: ValidationError) -> Iterable[str]:
    for one in error.errors(include_input=False, include_url=False):
        place = ".".join(str(part) for part in one["loc"])
        text = in_words(one)
        yield f"{place}: {text}" if place else text
