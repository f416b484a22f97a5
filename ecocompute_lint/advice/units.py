"""What a workload may be counted in, and what turns it into a month: tables.

The factors are assumptions of ours, not measurements; each says why.
"""

from __future__ import annotations

from ecocompute_lint.frozen import dataclass

# --- what is assumed ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Factor:
    """How many of one thing make up another. An assumption of ours where `why` says so."""

    value: float
    words: str
    why: str = ""
    divides: bool = False

    @property
    def term(self) -> str:
        """As a calculation shows it: ``× 5 requests per user``."""
        return f"{'÷' if self.divides else '×'} {self.value:,.10g} {self.words}"

    def apply(self, number: float) -> float:
        """The number converted."""
        return number / self.value if self.divides else number * self.value


TOKENS_PER_CHINESE_CHARACTER = Factor(
    1,
    "token per Chinese character",
    "tokenizers with a large Chinese vocabulary need fewer, older ones two or three",
)
CHARACTERS_PER_TOKEN = Factor(
    4, "characters per token", "English prose with the usual subword tokenizers", divides=True
)
BYTES_PER_TOKEN = Factor(
    4, "bytes per token", "English prose: one byte a character, four to a token", divides=True
)
WORDS_PER_TOKEN = Factor(
    0.75, "words per token", "English prose: three words make about four tokens", divides=True
)
WORDS_PER_PAGE = Factor(500, "words per page", "a page of single-spaced prose")
REQUESTS_PER_USER = Factor(
    5, "requests per user", "one short conversation of five turns, per user and period"
)
REQUESTS_PER_CONVERSATION = Factor(
    5, "requests per conversation", "a short conversation of five turns"
)
DAYS_PER_MONTH = Factor(30.4, "days per month", "the days of a year over twelve months")
FACTORS = (
    TOKENS_PER_CHINESE_CHARACTER,
    CHARACTERS_PER_TOKEN,
    BYTES_PER_TOKEN,
    WORDS_PER_TOKEN,
    WORDS_PER_PAGE,
    REQUESTS_PER_USER,
    REQUESTS_PER_CONVERSATION,
    DAYS_PER_MONTH,
)

# --- what is counted ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unit:
    """Something that is counted, its names in lower case, and what turns it into `kind`."""

    label: str
    kind: str
    """``requests``, ``tokens`` or ``hours``."""
    names: str
    factors: tuple[Factor, ...] = ()


def _bytes(label: str, size: float, *names: str) -> Unit:
    exact = Factor(size, f"bytes per {label}")
    return Unit(label, "tokens", "|".join((label.lower(), *names)), (exact, BYTES_PER_TOKEN))


UNITS = (
    Unit(
        "requests",
        "requests",
        "requests|request|reqs|req|queries|query|calls|call|api calls|prompts|prompt|messages"
        "|message|inferences|completions|generations|answers|responses|请求|个请求|次|次请求|次调用"
        "|调用|条请求|条消息",
    ),
    Unit(
        "users",
        "requests",
        "users|user|people|customers|visitors|用户|名用户|位用户|个用户|人|个人",
        (REQUESTS_PER_USER,),
    ),
    Unit(
        "conversations",
        "requests",
        "conversations|conversation|chats|chat|dialogues|sessions|session|对话|次对话|个对话|会话",
        (REQUESTS_PER_CONVERSATION,),
    ),
    Unit("tokens", "tokens", "tokens|token|toks|tok|个tokens|个token"),
    Unit("words", "tokens", "words|word|english words|单词|个单词", (WORDS_PER_TOKEN,)),
    Unit("pages", "tokens", "pages|page|页", (WORDS_PER_PAGE, WORDS_PER_TOKEN)),
    Unit(
        "Chinese characters",
        "tokens",
        "chinese characters|chinese character|chinese chars|hanzi|字|个字|汉字|个汉字|中文字"
        "|个中文字|中文字符|个中文字符|字中文",
        (TOKENS_PER_CHINESE_CHARACTER,),
    ),
    Unit(
        "characters",
        "tokens",
        "characters|character|chars|english characters|letters",
        (CHARACTERS_PER_TOKEN,),
    ),
    Unit("bytes", "tokens", "bytes|byte|字节", (BYTES_PER_TOKEN,)),
    _bytes("KB", 1e3, "kilobytes", "kilobyte"),
    _bytes("MB", 1e6, "megabytes", "megabyte"),
    _bytes("GB", 1e9, "gigabytes", "gigabyte"),
    _bytes("TB", 1e12, "terabytes", "terabyte"),
    _bytes("KiB", 2**10),
    _bytes("MiB", 2**20),
    _bytes("GiB", 2**30),
    Unit("hours", "hours", "hours|hour|hrs|hr|h|小时|个小时"),
    Unit(
        "minutes",
        "hours",
        "minutes|minute|mins|min|分钟",
        (Factor(60, "minutes per hour", divides=True),),
    ),
)


@dataclass(frozen=True, slots=True)
class Period:
    """The time that an amount is for, its hours, and what turns it into a month.

    `names` follow ``per``, ``a`` or a slash, `short` a slash only; `adverbs` stand alone.
    """

    hours: float
    factors: tuple[Factor, ...]
    names: str
    short: str = ""
    adverbs: str = ""
    chinese: str = ""


_PER_DAY = (DAYS_PER_MONTH,)
_PER_HOUR = (Factor(24, "hours per day"), *_PER_DAY)
PER_WEEK = (Factor(7, "days per week", divides=True), *_PER_DAY)
PER_YEAR = (Factor(12, "months per year", divides=True),)
DAY = Period(24, _PER_DAY, "day", "d", "daily", "天|日")
MONTH = Period(24 * DAYS_PER_MONTH.value, (), "month", "mo|mth", "monthly", "个月|月")
PERIODS = (
    Period(
        1 / 3600, (Factor(3600, "seconds per hour"), *_PER_HOUR), "second|sec", "s", chinese="秒"
    ),
    Period(1 / 60, (Factor(60, "minutes per hour"), *_PER_HOUR), "minute|min", chinese="分钟"),
    Period(1, _PER_HOUR, "hour", "hr|h", "hourly", "个小时|小时"),
    Period(
        24,
        (Factor(5, "working days per week"), *PER_WEEK),
        "workday|working day|weekday|business day",
        chinese="个工作日|工作日",
    ),
    DAY,
    Period(168, PER_WEEK, "week", "wk|w", "weekly", "周|星期"),
    MONTH,
    Period(8766, PER_YEAR, "year", "yr|y", "yearly|annually|annual", "年"),
)
