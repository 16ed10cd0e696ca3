"""A window with a camera's picture and what is recognised in it, through OpenCV."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import numpy as np

from ..data.camera import opencv
from ..errors import UserError
from .labelled_video import labelled

_STOP = ord("q"), ord("Q"), 27  # 27 is Esc


class Window:
    """A window; it closes at the end of a `with` statement.

    Args:
        title: of the window.
        library: in place of the module cv2, for tests.

    Raises:
        UserError: OpenCV is not installed.
    """

    def __init__(self, title: str, library: Any = None) -> None:
        self._title, self._shown = title, False
        self._library = opencv("a window") if library is None else library

    def __enter__(self) -> Window:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._library.destroyWindow(self._title)
            self._shown = False

    def show(self, pixels: np.ndarray, label: str, probability: float | None = None) -> bool:
        """Show a picture with a label, and return whether the user wants to stop.

        That is: the user pressed q or Esc, or closed the window.

        Args:
            pixels: uint8 (height, width, 3): red, green, blue.
            label: what is told.
            probability: of the label, 0 to 1.

        Raises:
            UserError: there is no screen, or this build of OpenCV can't show windows.
        """
        cv2 = self._library
        if self._shown and cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1:
            self._shown = False
            return True
        try:
            picture = labelled(pixels, label, probability)
            cv2.imshow(self._title, np.ascontiguousarray(picture[:, :, ::-1]))
            self._shown = True
            return cv2.waitKey(1) & 0xFF in _STOP
        except cv2.error as error:
            why = str(error).partition("\n")[0]
            raise UserError(
                f"a window can't be shown: expected a screen, and opencv-python, not -headless: {why}"
            ) from None
