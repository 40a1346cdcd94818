"""The models, enumerations and custom types that the kinds of fields use."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, Flag, IntEnum, IntFlag, StrEnum
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
    PlainValidator,
    RootModel,
    SerializerFunctionWrapHandler,
    Tag,
    ValidatorFunctionWrapHandler,
    WrapSerializer,
    WrapValidator,
    computed_field,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypeAliasType, TypedDict

from contradance import PII, Value

Item = TypeVar("Item")


class Colour(Enum):
    """An enumeration of texts."""

    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    """An enumeration of numbers."""

    LOW = 1
    HIGH = 2


class Shade(StrEnum):
    """An enumeration whose members are texts."""

    DARK = "dark"
    LIGHT = "light"


class Mixed(Enum):
    """An enumeration of values of several types."""

    ONE = 1
    TWO = "two"


class Access(Flag):
    """Flags."""

    READ = 1
    WRITE = 2


class Bits(IntFlag):
    """Flags that are numbers."""

    A = 1
    B = 2


class Point(Value):
    """A value of two fields."""

    x: int
    y: int = 0


class Tree(Value):
    """A value that holds itself."""

    name: str
    children: tuple["Tree", ...] = ()


class Pair(Value, Generic[Item]):
    """A generic value."""

    first: Item
    second: Item


class Cat(Value):
    """A member of a tagged union."""

    kind: Literal["cat"] = "cat"
    lives: int


class Dog(Value):
    """Another member of a tagged union."""

    kind: Literal["dog"] = "dog"
    tricks: int


class Circle(Value):
    """A member of an untagged union that has a required field of its own."""

    radius: int


class Square(Value):
    """Another, with another required field."""

    side: int


class NoteA(Value):
    """A value that only an unknown field tells from `NoteB`."""

    n: int
    note: str = ""


class NoteB(Value):
    """A value that only an unknown field tells from `NoteA`."""

    n: int
    why: str = ""


class Marked(Value):
    """A value with personal data."""

    name: Annotated[str, PII]
    age: int


class Camel(Value):
    """A value whose wire names are camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)

    first_name: str
    home_town: str = ""


class Aliased(Value):
    """A value of one field with an alias."""

    loan_id: str = Field(alias="loanId")


class WithComputed(Value):
    """A value with a computed field."""

    width: int
    height: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def area(self) -> int:
        """Width by height."""
        return self.width * self.height


class Strictly(Value):
    """A value that coerces nothing."""

    model_config = ConfigDict(strict=True)

    at: datetime
    colours: tuple[Colour, ...]


class Interval(Value):
    """A value that a model validator checks."""

    low: int
    high: int

    @model_validator(mode="after")
    def _ordered(self) -> "Interval":
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


class Either(Value):
    """A value whose before-validator refuses what its own JSON holds."""

    start: int
    end: int
    minutes: int

    @model_validator(mode="before")
    @classmethod
    def _either(cls, data: Any) -> Any:
        if isinstance(data, dict):
            if ("end" in data) == ("minutes" in data):
                raise ValueError("give end or minutes")
            data = dict(data)
            data.setdefault("minutes", data.get("end", 0) - data["start"])
            data.setdefault("end", data["start"] + data["minutes"])
        return data


class Rounded(Value):
    """A value whose serializer loses something."""

    ratio: float

    @field_serializer("ratio")
    def _short(self, ratio: float) -> float:
        return round(ratio, 1)


class Packed(Value):
    """A value whose model serializer and validator agree."""

    x: int
    y: int

    @model_serializer
    def _pack(self) -> str:
        return f"{self.x},{self.y}"

    @model_validator(mode="before")
    @classmethod
    def _unpack(cls, data: Any) -> Any:
        if isinstance(data, str):
            x, _, y = data.partition(",")
            return {"x": x, "y": y}
        return data


class Always(Value):
    """A value whose author's `__eq__` is always true, and whose serializer loses a field's value."""

    n: int

    @field_serializer("n")
    def _zero(self, n: int) -> int:
        return 0 * n

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Never(Value):
    """A value whose author's `__eq__` is never true."""

    n: int

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


class Trimmed(Value):
    """A value whose settings change texts."""

    model_config = ConfigDict(str_strip_whitespace=True, str_to_lower=True)

    name: str


class Encoded(Value):
    """A value whose bytes are base64 both ways."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    data: bytes


class HalfEncoded(Value):
    """A value whose bytes are base64 one way."""

    model_config = ConfigDict(ser_json_bytes="base64")

    data: bytes


class EnumValues(Value):
    """A value that keeps the values of enumerations."""

    model_config = ConfigDict(use_enum_values=True)

    colour: Colour


class Numbers(RootModel[list[int]]):
    """A root model."""


class Plain(BaseModel):
    """A model that is not a `Value`."""

    x: int


class Open(BaseModel):
    """A model that keeps unknown fields."""

    model_config = ConfigDict(extra="allow")

    x: int


@dataclass(frozen=True)
class Stamp:
    """A dataclass of the standard library."""

    x: int
    at: datetime


@pydantic_dataclass(frozen=True)
class CheckedStamp:
    """A dataclass of Pydantic's."""

    x: int


class Coordinates(NamedTuple):
    """A named tuple."""

    lat: float
    lon: float


class Movie(TypedDict):
    """A typed dictionary."""

    title: str
    year: int


LoanId = NewType("LoanId", int)
Names = TypeAliasType("Names", list[str])
Nested = TypeAliasType("Nested", "list[Nested] | int")


class Celsius:
    """A custom type with `__eq__`."""

    def __init__(self, degrees: float) -> None:
        self.degrees = degrees

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Celsius) and self.degrees == other.degrees

    def __hash__(self) -> int:
        return hash(self.degrees)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _custom(cls, lambda value: value.degrees)


class Opaque:
    """A custom type without `__eq__`."""

    def __init__(self, number: float) -> None:
        self.number = number

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _custom(cls, lambda value: value.number)


class Unschemed:
    """A custom type that Pydantic has no JSON Schema for."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unschemed) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls(str(value)),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value.text),
        )


class LossyOpaque:
    """A custom type without `__eq__`, whose JSON grows with each reading."""

    def __init__(self, number: float) -> None:
        self.number = number

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _custom(cls, lambda value: value.number + 1)


def _custom(cls: type, number: Callable[[Any], float]) -> CoreSchema:
    return core_schema.no_info_plain_validator_function(
        lambda value: value if isinstance(value, cls) else cls(float(value)),
        serialization=core_schema.plain_serializer_function_ser_schema(
            number, return_schema=core_schema.float_schema(), when_used="json"
        ),
        json_schema_input_schema=core_schema.float_schema(),
    )


def _wrap_lower(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    return str(handler(value)).lower()


def _wrap_str(value: Any, handler: SerializerFunctionWrapHandler) -> Any:
    return handler(value)


def _unquoted(value: Any) -> Any:
    return value["is"] if isinstance(value, dict) else value


def _pet(value: Any) -> str:
    return "cat" if "lives" in (value if isinstance(value, dict) else dir(value)) else "dog"


Cents = Annotated[int, BeforeValidator(lambda value: round(value * 100))]
Upper = Annotated[str, AfterValidator(str.upper)]
CommaList = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: tuple(value.split(",")) if isinstance(value, str) else value),
    PlainSerializer(",".join, return_type=str),
]
Even = Annotated[int, PlainValidator(lambda value: int(value) // 2 * 2)]
Lower = Annotated[str, WrapValidator(_wrap_lower)]
Hex = Annotated[
    int,
    BeforeValidator(lambda value: int(value, 16) if isinstance(value, str) else value),
    PlainSerializer(hex, return_type=str),
]
Quoted = Annotated[int, PlainSerializer(lambda value: {"is": value}), BeforeValidator(_unquoted)]
AsFloat = Annotated[Decimal, PlainSerializer(float)]
OneDecimal = Annotated[float, PlainSerializer(lambda value: round(value, 1), return_type=float)]
Masked = Annotated[str, PlainSerializer(lambda _: "***", return_type=str)]
Wrapped = Annotated[int, WrapSerializer(_wrap_str)]
TaggedPet = Annotated[Cat | Dog, Field(discriminator="kind")]
CallablePet = Annotated[Annotated[Cat, Tag("cat")] | Annotated[Dog, Tag("dog")], Discriminator(_pet)]
LeftToRightNotes = Annotated[NoteA | NoteB, Field(union_mode="left_to_right")]


class Validated(Value):
    """A value with a field validator that changes a text once."""

    code: str

    @field_validator("code")
    @classmethod
    def _upper(cls, code: str) -> str:
        return code.upper()
