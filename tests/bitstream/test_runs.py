"""Which sections a date needs."""

from hypothesis import given
from hypothesis import strategies as st

from tec_zarr.bitstream.container import Section
from tec_zarr.bitstream.runs import keep, needed, runs, shown


def listed(text: str) -> list[Section]:
    """Sections of dates named by digits; a star stands before a key."""
    found = []
    key = False
    for sign in text:
        if sign == "*":
            key = True
        else:
            found.append(Section(int(sign), key, b""))
            key = False
    return found


def written(sections: list[Section]) -> str:
    return "".join("*" * each.key + str(each.time) for each in sections)


def test_the_last_section_of_a_date_counts():
    assert shown(listed("*0123*1")) == {0: 0, 1: 4, 2: 2, 3: 3}


def test_runs_begin_with_keys():
    assert runs(listed("*01*23")) == [range(0, 2), range(2, 4)]
    assert runs(listed("01*2")) == [range(0, 2), range(2, 3)]
    assert runs([]) == []


def test_a_date_needs_its_run_up_to_itself():
    assert needed(listed("*0123"), {1}) == [range(0, 2)]
    assert needed(listed("*01*23"), {3}) == [range(2, 4)]
    assert needed(listed("*0123*1"), {1, 2}) == [range(0, 3), range(4, 5)]
    assert needed(listed("*01"), {5}) == []


def test_what_nobody_needs_any_more_goes():
    assert written(keep(listed("*0123"), {0, 1, 2})) == "*012"
    assert written(keep(listed("*0123"), {0, 2, 3})) == "*0123"
    assert written(keep(listed("*0123*1"), {0, 1})) == "*0*1"
    assert keep(listed("*0123"), set()) == []


@given(
    st.lists(st.builds(Section, st.integers(0, 5), st.booleans(), st.just(b"")), max_size=12),
    st.sets(st.integers(0, 5)),
)
def test_what_is_kept_decodes_as_before(sections, times):
    """Each date that stays has the same sections before it in its run."""

    def run_of(all_of_them, time):
        index = shown(all_of_them)[time]
        [run] = needed(all_of_them, {time})
        return written([all_of_them[i] for i in run if i <= index])

    kept = keep(sections, times)
    for time in times & set(shown(sections)):
        assert run_of(kept, time) == run_of(sections, time)
