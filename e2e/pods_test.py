"""When a pod counts as stopped."""

import datetime
import unittest
from unittest import mock

from e2e import cluster, pods


def told_to_end(seconds_ago: float) -> dict:
    """A pod whose time to end was over so long ago."""
    ends = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds_ago)
    return {"metadata": {"deletionTimestamp": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}}


class Stopping(unittest.TestCase):
    def rounds(self, *answers: list[dict]) -> int:
        """How often the cluster was asked when it answered like this."""
        asked = mock.Mock(spec=cluster.Cluster)
        asked.get.side_effect = [{"items": items} for items in answers]
        with mock.patch("time.sleep"):
            pods.stopped(asked, "app", "-l", "x=y")
        self.assertEqual(asked.get.call_args.args, ("pods", "-n", "app", "-l", "x=y"))
        return asked.get.call_count

    def test_none_is_left(self) -> None:
        self.assertEqual(self.rounds([]), 1)

    def test_one_that_was_not_told_to_end_runs(self) -> None:
        self.assertEqual(self.rounds([{"metadata": {}}], [told_to_end(60), {"metadata": {}}], []), 3)

    def test_one_has_the_time_that_it_was_given(self) -> None:
        self.assertEqual(self.rounds([told_to_end(-20)], [told_to_end(0)], [told_to_end(60)]), 3)
