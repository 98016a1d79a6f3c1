"""The engines that may speak an order, one after another."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from app.core.exceptions import AppError, BadRequest, TextBlocked
from app.core.logging import get_logger
from app.planning.plan import Plan
from app.services.synthesis.speech import REPLACEABLE, Order, Take
from app.services.synthesis.stage import Stage

log = get_logger(__name__)

Reword = Callable[[Order, Plan, Stage], Awaitable[Order]]


class Chain:
    """Begins to speak an order with one engine after another.

    Args:
        stages: the engines, in their order; at least one.
        reword: makes of an order what is spoken, at most once.
        measure: counts what a take comes to.

    Attributes:
        order: with what is to be spoken, as far as that is known.
    """

    def __init__(
        self,
        order: Order,
        stages: Iterable[Stage],
        *,
        streaming: bool,
        reword: Reword,
        measure: Callable[[Take, Order], Take],
    ) -> None:
        self.order = order
        self._left = deque(stages)
        self._streaming = streaming
        self._reword = reword
        self._measure = measure
        self._failure: AppError | None = None
        self._failed = ""

    @property
    def ended(self) -> bool:
        """Whether there is no other engine, and what this one fails with is the answer."""
        return not self._left and self._failure is None

    async def next(self, failure: AppError | None = None) -> Take:
        """What the next engine makes of the order. One that cannot do what is asked is passed over.

        Args:
            failure: of the engine before.

        Raises:
            AppError: why the first one does not speak, if no other one can.
        """
        self._failure = self._failure or failure
        while self._left:
            stage = self._left.popleft()
            try:
                take = await self._take(stage)
            except AppError as error:
                if not self._passes(error):
                    raise
                self._failure = self._failure or error
                self._told("an engine does not speak", stage, error)
                self._failed = self._failed or stage.info.name
                continue
            if self._failure is not None:
                self._told("another engine speaks", stage, self._failure)
            self._failed = self._failed or stage.info.name
            return self._measure(take, self.order)
        assert self._failure is not None  # noqa: S101 - there was a stage
        raise self._failure

    def _passes(self, error: AppError) -> bool:
        """Whether the next engine is tried. What is wrong with a request is told by the first one;
        another one may merely lack what it asks for.
        """
        if isinstance(error, REPLACEABLE):
            return True
        wrong = isinstance(error, BadRequest) and not isinstance(error, TextBlocked)
        return self._failure is not None and wrong

    async def _take(self, stage: Stage) -> Take:
        plan = await stage.plan(self.order, streaming=self._streaming)
        if self.order.spoken is None and self.order.request.reworded:
            self.order = await self._reword(self.order, plan, stage)
            plan = await stage.plan(self.order, streaming=self._streaming)
        return await stage.take(self.order, plan, streaming=self._streaming)

    def _told(self, event: str, stage: Stage, error: AppError) -> None:
        log.warning(
            event,
            voice=self.order.voice.id,
            engine=stage.info.name,
            first=self._failed or None,
            code=error.code,
        )
