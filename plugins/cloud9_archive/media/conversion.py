"""Audio in the rate and numbers that an encoder takes, by FFmpeg's own filters."""

from __future__ import annotations

from typing import Final, cast

from av.audio.frame import AudioFrame
from av.error import BlockingIOError as NotYet
from av.filter import Graph
from av.filter.context import FilterContext

LAYOUTS: Final = {1: "mono", 2: "stereo"}


class Converter:
    """
    Takes frames of any one kind and gives those that were asked for.

    PyAV's own resampler does the same, but starts a thread for each core and file, and none of them is ever given work.

    :param kind: FFmpeg's name of the sample format
    :param channels: as the frames have them
    :param rate: Hz
    """

    def __init__(self, kind: str, channels: int, rate: int) -> None:
        self._wanted = {"sample_fmts": kind, "channel_layouts": LAYOUTS[channels], "sample_rates": str(rate)}
        # A context knows its graph by a weak reference only.
        self._graph: Graph | None = None
        self._ends: tuple[FilterContext, FilterContext] | None = None

    def convert(self, frame: AudioFrame | None) -> list[AudioFrame]:
        """
        What can be given by now; it comes without stamps that mean anything.

        :param frame: None after the last one, for what is left
        """
        if self._ends is None:
            if frame is None:
                return []
            self._ends = self._built(frame)
        source, sink = self._ends
        source.push(frame)
        ready: list[AudioFrame] = []
        while True:
            try:
                ready.append(cast("AudioFrame", sink.pull()))
            except (NotYet, EOFError):
                return ready

    def _built(self, frame: AudioFrame) -> tuple[FilterContext, FilterContext]:
        graph = self._graph = Graph()
        graph.threads = 1
        source = graph.add(
            "abuffer",
            sample_rate=str(frame.sample_rate),
            sample_fmt=frame.format.name,
            channel_layout=frame.layout.name,
            time_base=f"1/{frame.sample_rate}",
        )
        sink = graph.add("abuffersink")
        graph.link_nodes(source, graph.add("aformat", **self._wanted), sink).configure()
        return source, sink
